"""A step of SiliconCompiler's that runs again where this project's own part in it changes."""

from __future__ import annotations

from siliconcompiler import Task

from silicodec.asic.recipe import recipe


class ProgramTask(Task):
    """A step that depends on source of this package, by default on the program that `PROGRAMS` has for its task."""

    program = ""
    """Module that the step depends on, if not by its task."""

    def __init__(self) -> None:
        super().__init__()
        self.add_parameter("recipe", "str", "hash of the programs behind the step")

    def setup(self) -> None:
        """Declare the hash."""
        super().setup()
        self.set("var", "recipe", recipe(self.program or self.task()))
        self.add_required_key("var", "recipe")
