"""`deploy` statements: a target with its options chosen."""

from __future__ import annotations

from qspec.diagnostics import Diagnostics, Span
from qspec.diagnostics.catalogue import INVALID_OPTION
from qspec.schema.names import duplicate, offer
from qspec.schema.spec import Deploy
from qspec.schema.target import TargetDefinition
from qspec.schema.targets import allowed_values, allows, option_value
from qspec.schema.values import shown
from qspec.syntax import tree


def read_deploy(node: tree.Deploy, target: TargetDefinition, found: Diagnostics) -> Deploy:
    """*target* as *node* deploys it; an option that makes no sense is reported and keeps its default."""
    options = {name: option.default for name, option in target.options.items()}
    written: dict[str, Span] = {}
    for argument in node.options:
        name = argument.name
        if name is None:
            message = f"an option is named, found {shown(argument.value)}"
            hint = f"write `{node.target.text}({next(iter(options), 'option')} = …)`"
            found.add(INVALID_OPTION.at(argument.span, message, help=hint, target=target.name))
        elif name.text not in options:
            message = f"target `{target.name}` has no option `{name.text}`"
            hint = offer("an option", name.text, options) if options else "remove it: the target takes no options"
            unknown = INVALID_OPTION.at(name.span, message, help=hint, target=target.name)
            found.add(unknown.with_related(target.span, "the target is defined here"))
        elif name.text in written:
            found.add(duplicate("option", name.text, name.span, written[name.text]))
        else:
            written[name.text] = name.span
            value = option_value(argument.value)
            if value is None or not allows(target.options[name.text], value):
                message = f"the option `{name.text}` of `{target.name}` cannot be {shown(argument.value)}"
                option = target.options[name.text]
                wrong = INVALID_OPTION.at(argument.value.span, message, help=allowed_values(option), target=target.name)
                found.add(wrong.with_related(option.span, "the option is defined here"))
            else:
                options[name.text] = value
    alias = node.alias or node.target
    return Deploy(target=target, options=options, name=alias.text, span=alias.span)
