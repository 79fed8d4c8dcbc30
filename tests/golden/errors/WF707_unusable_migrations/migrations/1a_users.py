revision = "1a"
down_revision = None
