import perdure as p


def wait():
    p.sleep("1s")


def ask():
    p.http.get("https://example.com/")


def used():
    p.sleep("1s")


USED = [used]
