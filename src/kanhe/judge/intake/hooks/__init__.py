"""What notices of payment providers and shop systems mean: mappings, as data.

The TOML files beside this are the mappings that come with Kanhe, one per provider, in the language of
`kanhe import` with paths in place of columns; a shop may bring its own. `samples` holds one notice per
provider for trying a source out.

- `paths`: where in a notice a value stands.
- `mapping`: a mapping as checked, and reading one, with every mistake at its line.
- `applying`: a notice becomes events, or a word for why it does not.
"""

from kanhe.judge.intake.hooks.applying import Made, Understood, understand
from kanhe.judge.intake.hooks.mapping import HookMapping, built_in, read_hook_mapping

__all__ = ["HookMapping", "Made", "Understood", "built_in", "read_hook_mapping", "understand"]
