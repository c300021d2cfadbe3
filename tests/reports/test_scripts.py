"""The page's scripts, and the data that they read."""

import json
import re
from hashlib import sha256
from importlib.resources import files

from reports.scripts import OURS, TABLE_LIBRARY, data_block, policy, scripts

DATATABLES = "38017a5586acd9c6eb6bbfe8b6938e1a25bdc717c5acfcb07e0c9d663282c59d"


def test_the_table_library_is_as_it_was_published_and_comes_with_its_licence():
    folder = files("reports") / "vendor"
    library = (files("reports") / TABLE_LIBRARY).read_bytes()
    assert sha256(library).hexdigest() == DATATABLES
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert DATATABLES in readme
    assert re.search(rb"DataTables (\S+)", library)[1].decode() in readme
    assert "MIT License" in (folder / "datatables.net" / "License.txt").read_text(encoding="utf-8")


def test_no_script_makes_code_of_text_or_ends_its_element():
    for text in scripts():
        assert not re.search(r"\beval\(|new Function\b|</script|<!--|\r", text)
    ours = (files("reports") / OURS).read_text(encoding="utf-8")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write", ours)


def test_a_policy_without_scripts_lets_none_run():
    assert "script-src 'none';" in policy([])


def test_nothing_in_a_data_block_ends_it_and_it_reads_back():
    content = {"titles": ["</script>", "<!-- &amp;", "line\u2028paragraph\u2029", "\udc80", "\\u003c"]}
    text = data_block(content)
    assert not re.search("[<>&\u2028\u2029]", text)
    assert json.loads(text) == content
