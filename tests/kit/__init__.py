"""What tests of all departments share: the emulated cloud, and a caller of the API in process."""
