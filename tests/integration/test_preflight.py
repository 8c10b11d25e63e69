# SPDX-License-Identifier: Apache-2.0
"""site.yml with mistakes in its inventory: a message for each, and an account that nothing was done to."""

import datetime as dt
import ipaddress
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import boto3
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from support.emulator import emulator
from support.playbooks import assert_no_warning

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[2]
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "~~ not asked for ~~"}
VCPUS = "L-3032A538"
VCPU_DIMENSIONS = {"Service": "Fargate", "Type": "Resource", "Resource": "vCPU", "Class": "Standard/OnDemand"}
USAGE = {
    "MetricNamespace": "AWS/Usage",
    "MetricName": "ResourceCount",
    "MetricDimensions": VCPU_DIMENSIONS,
    "MetricStatisticRecommendation": "Maximum",
}
MISTAKES = {
    "network_zones": ["eu-central-1a", "eu-central-1b", "eu-central-1x"],
    "api_service_cpu": 300,
    "load_balancer_name": "x" * 60,
    "api_service_desierd_count": 4,
    "network_nat": "everywhere",
    "cdn_aliases": ["media.example.net"],
}
MESSAGES = [
    "api_service_desierd_count: no role has this input; did you mean api_service_desired_count?",
    "role network: value of network_nat must be one of: per_zone, single, none, got: everywhere;",
    "api_service_cpu: Fargate has no 300 CPU units; choose one of 256, 512,",
    "load_balancer_name: 'xxxxx",
    "certificate_sources.cdn: it covers localhost, 127.0.0.1, not media.example.net;",
    "network_zones: eu-central-1 has no zone eu-central-1x for this account;",
]


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with emulator(tmp_path_factory.mktemp("emulator")) as url:
        yield url


def certificate(directory: Path) -> dict[str, str]:
    """A certificate for localhost, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + dt.timedelta(days=1))
    signed = builder.add_extension(x509.SubjectAlternativeName(names), critical=False).sign(key, hashes.SHA256())
    files = {"certificate_file": directory / "cert.pem", "key_file": directory / "key.pem"}
    files["certificate_file"].write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    files["key_file"].write_bytes(pem)
    return {name: str(path) for name, path in files.items()}


@contextmanager
def service_quotas(limits: dict[str, float]) -> Iterator[str]:
    """Service Quotas, which the emulator does not have: answers with these limits, by code."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            code = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["QuotaCode"]
            quota = {"QuotaCode": code, "Value": limits[code]} | ({"UsageMetric": USAGE} if code == VCPUS else {})
            body = json.dumps({"Quota": quota}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def run(endpoint: str, directory: Path, playbook: str, **changes: Any) -> subprocess.CompletedProcess[str]:
    """Runs a playbook as an operator would, with an inventory that is right but for the changes."""
    files = certificate(directory)
    variables = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "project": "streamify",
        "deployment_environment": "staging",
        "aws_region": "eu-central-1",
        "aws_account_id": "000000000000",
        "aws_environment": CREDENTIALS | {"AWS_ENDPOINT_URL": endpoint},
        "public_url": "https://localhost",
        "verify_grpc_target": "localhost:443",
        "certificate_sources": {"public": files, "internal": files, "cdn": files},
        "secrets_token_jwks": '{"keys": []}',
        "api_service_token_issuer": "https://issuer.example.com",
    }
    inventory = directory / "hosts.yml"
    hosts = {"platform": {"hosts": {"localhost": variables | changes}}, "local_cloud": {}}
    inventory.write_text(json.dumps(hosts))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_HOME": str(directory), "ANSIBLE_NOCOLOR": "1"}
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(inventory), playbook]
    finished = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=200
    )
    assert_no_warning(finished.stdout + finished.stderr)
    return finished


def is_untouched(endpoint: str) -> bool:
    session = boto3.Session(aws_access_key_id="x", aws_secret_access_key="y", region_name="eu-central-1")

    def ask(service: str) -> Any:
        return session.client(service, endpoint_url=endpoint)  # type: ignore[call-overload]

    vpcs = [vpc for vpc in ask("ec2").describe_vpcs()["Vpcs"] if not vpc.get("IsDefault")]
    return not (vpcs or ask("s3").list_buckets()["Buckets"] or ask("secretsmanager").list_secrets()["SecretList"])


def test_every_mistake_has_its_message_before_anything_is_touched(endpoint: str, tmp_path: Path) -> None:
    finished = run(endpoint, tmp_path, "site.yml", **MISTAKES)
    assert finished.returncode != 0
    said = " ".join(finished.stdout.split("Correct these first:", 2)[-1].split()).replace("''", "'")
    for message in MESSAGES:
        assert said.count(message) == 1, f"{message}\n\n{said}"
    assert said.count(" - '") == len(MESSAGES), said
    assert is_untouched(endpoint)


def test_a_right_inventory_passes(endpoint: str, tmp_path: Path) -> None:
    finished = run(endpoint, tmp_path, "playbooks/preflight.yml")
    assert finished.returncode == 0, finished.stdout


def test_each_quota_that_a_deployment_would_hit_is_named_and_one_that_just_suffices_is_not(
    endpoint: str, tmp_path: Path
) -> None:
    # An account that has its default VPC and four vCPUs of somebody else's tasks; three NAT gateways, two balancers,
    # three tasks twice over.
    needed = {
        "L-F678F1CE": 2, "L-A4707A72": 2, "L-0263D0A3": 3, "L-FE5A380F": 1,
        "L-53DA6B97": 2, "L-B22855CB": 2, VCPUS: 7,
    }  # fmt: skip
    dimensions = [{"Name": name, "Value": value} for name, value in VCPU_DIMENSIONS.items()]
    session = boto3.Session(aws_access_key_id="x", aws_secret_access_key="y", region_name="eu-central-1")
    session.client("cloudwatch", endpoint_url=endpoint).put_metric_data(
        Namespace="AWS/Usage", MetricData=[{"MetricName": "ResourceCount", "Dimensions": dimensions, "Value": 4}]
    )
    environment = CREDENTIALS | {"AWS_ENDPOINT_URL": endpoint}
    for less, refused in ((0, []), (1, list(needed))):
        with service_quotas({code: value - less for code, value in needed.items()}) as url:
            finished = run(
                endpoint,
                tmp_path,
                "playbooks/preflight.yml",
                aws_environment=environment | {"AWS_ENDPOINT_URL_SERVICE_QUOTAS": url},
            )
        assert (finished.returncode == 0) == (not refused), finished.stdout
        said = finished.stdout.split("Correct these first:", 2)[-1]
        assert re.findall(r"quota (L-[0-9A-F]+):", said) == refused, finished.stdout
        assert said.count("request-service-quota-increase") == len(refused)


def test_another_account_stops_it(endpoint: str, tmp_path: Path) -> None:
    finished = run(endpoint, tmp_path, "site.yml", aws_account_id="111122223333")
    assert finished.returncode != 0
    assert "the credentials are of account 000000000000" in finished.stdout
    assert is_untouched(endpoint)
