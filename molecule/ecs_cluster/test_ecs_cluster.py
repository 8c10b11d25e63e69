# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: S101
"""The cluster: what AWS reports, without any of the role's variables. Run by verify.yml."""

from reported import NAME, aws


def test_tasks_log_where_logs_are_kept_for_a_time() -> None:
    client = aws("logs")
    (group,) = client.describe_log_groups(logGroupNamePrefix=f"/{NAME.replace('-', '/', 1)}")["logGroups"]
    assert group["retentionInDays"] == 90
    assert client.describe_log_streams(logGroupName=group["logGroupName"])["logStreams"]


def test_cluster_is_measured() -> None:
    (cluster,) = aws("ecs").describe_clusters(clusters=[NAME], include=["SETTINGS"])["clusters"]
    assert cluster["status"] == "ACTIVE"
    assert {each["name"]: each["value"] for each in cluster["settings"]}["containerInsights"] == "enabled"
