"""Ring 3: the packaged app in an emulated AWS, used over HTTP and SQS alone, while its processes are killed."""
