"""A small business application in four releases, to record on the first and to replay on all of them."""
