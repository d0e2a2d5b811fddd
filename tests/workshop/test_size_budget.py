"""A budget is compared with the sizes of the modules alone, wherever the checkout is."""

from countersign_workshop.images import size_budget


def test_a_size_does_not_depend_on_where_the_checkout_lies(tmp_path):
    sizes = set()
    for checkout in (tmp_path / "here", tmp_path / "in_a_folder_with_a_much_longer_name"):
        package = checkout / "package"
        package.mkdir(parents=True)
        (package / "module.py").write_text("def fault():\n    raise ValueError\n")
        sizes.add(size_budget.compiled_bytes(package))
    assert len(sizes) == 1
