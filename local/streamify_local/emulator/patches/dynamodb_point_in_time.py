# SPDX-License-Identifier: Apache-2.0
"""A table with point-in-time recovery can be restored to what it held at a moment, and to no other moments.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_RestoreTableToPointInTime.html and
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/pointintimerecovery_restores.html. ministack copies the
table as it is now, whatever moment was asked for and whether recovery is on or not. Here every change of such a table
is remembered with the item of before, and a restore undoes those that came later. Kinder than AWS: the latest moment
is one second ago, not five minutes.
"""

import copy
import time
from collections import deque
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import dynamodb

LAG_SECONDS = 1.0
REMEMBERED = 100_000  # changes a table; older moments are then forgotten
WINDOW_SECONDS = 35 * 24 * 3600
Change = tuple[float, str, str, dict[str, Any] | None]


class Journal:
    """The changes of one table since its recovery was turned on."""

    def __init__(self) -> None:
        self.began = time.time()
        self.changes: deque[Change] = deque(maxlen=REMEMBERED)

    def note(self, partition: str, sort: str, before: dict[str, Any] | None) -> None:
        """Remember what an item was before a change; None: there was none."""
        self.changes.append((time.time(), partition, sort, copy.deepcopy(before)))

    @property
    def earliest(self) -> float:
        """The first moment that can be gone back to."""
        forgot = self.changes[0][0] if len(self.changes) == REMEMBERED else self.began
        return max(self.began, forgot, time.time() - WINDOW_SECONDS)

    @property
    def latest(self) -> float:
        """The last moment that can be gone back to."""
        return max(self.began, time.time() - LAG_SECONDS)

    def undo(self, items: dict[str, dict[str, Any]], moment: float) -> None:
        """Undo every change after the moment, newest first."""
        for changed, partition, sort, before in reversed(self.changes):
            if changed <= moment:
                break
            if before is not None:
                items.setdefault(partition, {})[sort] = copy.deepcopy(before)
            elif sort in items.get(partition, {}):
                del items[partition][sort]
                if not items[partition]:
                    del items[partition]


_journals: dict[str, Journal] = {}  # by the table's id, which no other table ever has


def refusal(journal: Journal | None, data: dict[str, Any]) -> Any:
    """Why AWS would not restore, or None."""
    if journal is None:
        said = f"Point in time recovery is not enabled for table '{data.get('SourceTableName')}'"
        return error_response_json("PointInTimeRecoveryUnavailableException", said, 400)
    asked, latest = data.get("RestoreDateTime"), bool(data.get("UseLatestRestorableTime"))
    if (asked is None) != latest:
        said = "Specify either RestoreDateTime or UseLatestRestorableTime"
        return error_response_json("ValidationException", said, 400)
    if asked is not None and not journal.earliest <= float(asked) <= journal.latest:
        return error_response_json("InvalidRestoreTimeException", "The restore time is out of range", 400)
    return None


def apply() -> None:
    """Watch the two functions through which every item goes, and restore by what was seen."""
    set_item, remove_item = dynamodb._set_item, dynamodb._remove_item

    def watched_set(table: Any, partition: str, sort: str, item: Any) -> Any:
        old = set_item(table, partition, sort, item)
        if table.get("TableId") in _journals:
            _journals[table["TableId"]].note(partition, sort, old)
        return old

    def watched_remove(table: Any, partition: str, sort: str) -> Any:
        old = remove_item(table, partition, sort)
        if old is not None and table.get("TableId") in _journals:
            _journals[table["TableId"]].note(partition, sort, old)
        return old

    dynamodb._set_item, dynamodb._remove_item = watched_set, watched_remove
    _follow_the_setting()
    _restore_by_the_journal()


def _journal_of(name: str) -> Journal | None:
    table = dynamodb._tables.get(dynamodb._normalize_table_name(name))
    return _journals.get(table["TableId"]) if table else None


def _follow_the_setting() -> None:
    update, describe = dynamodb._update_continuous_backups, dynamodb._describe_continuous_backups

    def updated(data: dict[str, Any]) -> Any:
        answer = update(data)
        name = dynamodb._normalize_table_name(data.get("TableName"))
        if answer[0] == 200:
            identity = dynamodb._tables[name]["TableId"]
            if not dynamodb._pitr_settings.get(name):
                _journals.pop(identity, None)
            elif identity not in _journals:
                _journals[identity] = Journal()
        return answer

    def described(data: dict[str, Any]) -> Any:
        status, headers, body = describe(data)
        journal = _journal_of(data.get("TableName") or "")
        if status != 200 or journal is None:
            return status, headers, body
        answer = dynamodb.json.loads(body)
        answer["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"] |= {
            "EarliestRestorableDateTime": journal.earliest,
            "LatestRestorableDateTime": journal.latest,
            "RecoveryPeriodInDays": 35,
        }
        return dynamodb.json_response(answer)

    dynamodb._update_continuous_backups, dynamodb._describe_continuous_backups = updated, described


def _restore_by_the_journal() -> None:
    restore, description = dynamodb._restore_table_to_point_in_time, dynamodb._table_description

    def with_summary(name: str) -> dict[str, Any]:
        summary = dynamodb._tables[name].get("RestoreSummary")
        return {**description(name), **({"RestoreSummary": summary} if summary else {})}

    def restored(data: dict[str, Any]) -> Any:
        source = data.get("SourceTableName") or data.get("SourceTableArn") or ""
        table = dynamodb._tables.get(dynamodb._normalize_table_name(source))
        journal = _journal_of(source)
        refused = refusal(journal, data) if table else None
        if refused:
            return refused
        answer = restore(data)
        if answer[0] != 200 or journal is None:
            return answer
        made = dynamodb._tables[data["TargetTableName"]]
        moment = float(data.get("RestoreDateTime") or journal.latest)
        journal.undo(made["items"], moment)
        dynamodb._items_replaced(made)
        made["RestoreSummary"] = {
            "SourceTableArn": table["TableArn"],
            "RestoreDateTime": moment,
            "RestoreInProgress": False,
        }
        return dynamodb.json_response({"TableDescription": dynamodb._table_description(data["TargetTableName"])})

    dynamodb._restore_table_to_point_in_time, dynamodb._table_description = restored, with_summary
