"""S3 clients that try what they may not do: boto3, and requests that no client would send."""
import http.client
import urllib.parse

import boto3
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.client import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError


def client(endpoint, key, secret):
    """A boto3 client that sends each request once."""
    return boto3.client(
        "s3", endpoint_url=endpoint, aws_access_key_id=key, aws_secret_access_key=secret, region_name="us-east-1",
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}))


def raw(endpoint, key, secret, method, path, body=b"", headers=None, host=None):
    """The status and the body of a signed request whose path goes out as it is given here, after /s3."""
    base = urllib.parse.urlsplit(endpoint)
    headers = dict(headers or {})
    headers["Host"] = host or base.netloc
    request = AWSRequest(method, "http://" + base.netloc + base.path + path, headers=headers, data=body)
    S3SigV4Auth(Credentials(key, secret), "s3", "us-east-1").add_auth(request)
    return send(base.netloc, method, base.path + path, body, dict(request.headers.items()))


def send(netloc, method, path, body=b"", headers=None):
    """The status and the body of a request, as it is given here."""
    connection = http.client.HTTPConnection(netloc, timeout=60)
    try:
        connection.putrequest(method, path, skip_host="Host" in (headers or {}), skip_accept_encoding=True)
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


class Attack:
    """Counts what was refused, and names what was not."""

    def __init__(self):
        self.count, self.through = 0, []

    def refused(self, name, call, status=(403,)):
        """call is to fail with one of the HTTP statuses; it returns nothing, or what raw does."""
        self.count += 1
        try:
            answer = call()
        except ClientError as e:
            got = e.response["ResponseMetadata"]["HTTPStatusCode"]
            if got not in status:
                self.through.append("%s: %d %s" % (name, got, e))
            return
        if not isinstance(answer, tuple):
            self.through.append(name + ": allowed")
        elif answer[0] not in status:
            self.through.append("%s: %d %s" % (name, answer[0], answer[1][:200]))

    def report(self, label):
        """Prints how many were refused, where all were."""
        for line in self.through:
            print("NOT REFUSED:", label, line)
        print("%s: %d of %d refused" % (label, self.count - len(self.through), self.count))


def bulk_errors(answer):
    """Raises where DeleteObjects refused every key, as one refusal; its own status is always 200."""
    codes = {e["Code"] for e in answer.get("Errors", [])}
    if codes == {"AccessDenied"} and not answer.get("Deleted"):
        raise ClientError({"Error": {"Code": "AccessDenied"}, "ResponseMetadata": {"HTTPStatusCode": 403}}, "DeleteObjects")
