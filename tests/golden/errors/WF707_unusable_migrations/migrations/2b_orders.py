revision = "2b"
down_revision = None
