"""`deploy` statements: a target with its options chosen."""

from __future__ import annotations

from qspec.diagnostics import Advice, Diagnostic, Diagnostics, Span, writing
from qspec.diagnostics.catalogue import INVALID_OPTION
from qspec.schema.names import duplicate, offer
from qspec.schema.spec import Deploy
from qspec.schema.target import OptionDefinition, TargetDefinition
from qspec.schema.targets import allowed_values, allows, option_value
from qspec.schema.values import shown, word
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
            none = Advice("remove it: the target takes no options")
            known = offer("an option", name.text, options) if options else none
            unknown = INVALID_OPTION.at(name.span, message, help=known, target=target.name)
            found.add(unknown.with_related(target.span, "the target is defined here"))
        elif name.text in written:
            found.add(duplicate("option", name.text, name.span, written[name.text]))
        else:
            written[name.text] = name.span
            value = option_value(argument.value)
            if value is None or not allows(target.options[name.text], value):
                found.add(_wrong_value(target, target.options[name.text], argument.value))
            else:
                options[name.text] = value
    alias = node.alias or node.target
    return Deploy(target=target, options=options, name=alias.text, span=alias.span)


def _wrong_value(target: TargetDefinition, option: OptionDefinition, value: tree.Expression) -> Diagnostic:
    """That the option does not take *value*; where that is one of its texts without quotes, how it is written."""
    message = f"the option `{option.name}` of `{target.name}` cannot be {shown(value)}"
    help, fix = allowed_values(option), None
    if (text := word(value)) is not None and allows(option, text):
        message, help = f"a text stands in quotes, found {shown(value)}", f'write `{option.name} = "{text}"`'
        fix = writing(value.span, f'"{text}"')
    wrong = INVALID_OPTION.at(value.span, message, help=help, fix=fix, target=target.name)
    return wrong.with_related(option.span, "the option is defined here")
