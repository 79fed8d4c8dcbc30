"""Multipart bodies: what a server reads of them, and what no part can smuggle in."""

from __future__ import annotations

import base64
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP

import pytest

from perdure.engine.http_multipart import Part, encode, read_parts


def part(content: bytes, **others: str) -> Part:
    return Part(data_b64=base64.b64encode(content).decode(), **{"name": "a"} | others)


def parsed(*parts: Part) -> list[Message]:
    kind, body = encode(parts)
    head = f"content-type: {kind}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    assert message.get_content_type() == "multipart/form-data"
    found = message.get_payload()
    assert isinstance(found, list)
    return [each for each in found if isinstance(each, Message)]


def test_a_field_and_a_file() -> None:
    field, file = parsed(
        part(b"some text", name="note"),
        part(b"\x00\xff\r\n--", name="f", filename="a b.png", content_type="image/png"),
    )
    assert field.get_param("name", header="content-disposition") == "note"
    assert field.get_filename() is None
    assert field.get_payload(decode=True) == b"some text"
    assert file.get_content_type() == "image/png"
    assert file.get_filename() == "a b.png"
    assert file.get_payload(decode=True) == b"\x00\xff\r\n--"


def test_base64_as_postgresql_writes_it() -> None:
    content = bytes(range(256))
    wrapped = base64.encodebytes(content).decode() + "\n \t"
    (only,) = parsed(Part("a", wrapped))
    assert only.get_payload(decode=True) == content


@pytest.mark.parametrize(
    "name", ['a"; filename="/etc/passwd', "a\r\nx-evil: 1", 'a"\r\n\r\nbody', "a\nb"]
)
def test_a_name_stays_a_name(name: str) -> None:
    (only,) = parsed(part(b"x", name=name, filename=name))
    assert set(only.keys()) == {"content-disposition"}
    assert only.get_payload(decode=True) == b"x"
    escaped = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    assert only.get_filename() == escaped


def test_every_body_has_a_boundary_of_its_own() -> None:
    assert encode([part(b"x")])[0] != encode([part(b"x")])[0]


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (Part("f", "$resp.body"), "'f' is not base64"),
        (Part("f", "AAA"), "'f' is not base64"),
        (Part("f", "AA==", content_type="text/plain\r\nx-evil: 1"), "content type"),
        (Part("f", "AA==", content_type="nonsense"), "content type"),
    ],
)
def test_what_cannot_be_sent(broken: Part, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        encode([broken])


def test_parts_of_a_claimed_request() -> None:
    rows = [
        {"name": "a", "data_b64": "AA=="},
        {"name": "b", "data_b64": "", "filename": "f"},
    ]
    assert read_parts(rows) == (Part("a", "AA=="), Part("b", "", filename="f"))
    assert read_parts(None) == ()
