"""What all tests share: real services on loopback, found or started."""

pytest_plugins = ["tests.services.moto", "tests.services.postgres", "tests.services.rucio"]
