"""boto3 as an independent client, with which the tests look into a store."""
import boto3
import botocore.client

from support.harness import KEY_ID, SECRET


def s3_client(endpoint, key_id=KEY_ID, secret=SECRET):
    """Returns a client, which the caller has to close."""
    config = botocore.client.Config(s3={"addressing_style": "path"}, region_name="us-east-1", max_pool_connections=16)
    return boto3.client("s3", endpoint_url=str(endpoint), aws_access_key_id=key_id, aws_secret_access_key=secret, config=config)
