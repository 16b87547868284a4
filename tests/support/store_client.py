"""A client that we did not write, to look at what is in a store."""
import boto3
import botocore.client

from support.harness import KEY_ID, SECRET


def s3_client(endpoint, key_id=KEY_ID, secret=SECRET):
    """To be closed by whoever asked for it."""
    config = botocore.client.Config(s3={"addressing_style": "path"}, region_name="us-east-1", max_pool_connections=16)
    return boto3.client("s3", endpoint_url=str(endpoint), aws_access_key_id=key_id, aws_secret_access_key=secret, config=config)
