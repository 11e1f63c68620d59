"""Every code that qspec can print. A code is never reused for something else.

Families: 0 syntax, 1 names and imports, 2 values, 3 rules and matching, 4 targets, 5 model files, 6 result, 9 hygiene.
"""

from qspec.diagnostics.diagnostic import Code, Severity

SYNTAX_ERROR = Code("QS001", "syntax-error")
UNKNOWN_EDITION = Code("QS002", "unknown-edition")
TOO_DEEP = Code("QS003", "too-deep")
UNREADABLE_FILE = Code("QS004", "unreadable-file")
RESERVED_WORD = Code("QS005", "reserved-word")

UNDEFINED_NAME = Code("QS101", "undefined-name")
MISSING_IMPORT = Code("QS102", "missing-import")
IMPORT_CYCLE = Code("QS103", "import-cycle")
DUPLICATE_NAME = Code("QS104", "duplicate-name")
EXTENDS_CYCLE = Code("QS105", "extends-cycle")

INVALID_VALUE = Code("QS201", "invalid-value")
UNKNOWN_ATTRIBUTE = Code("QS202", "unknown-attribute")
DUPLICATE_ATTRIBUTE = Code("QS203", "duplicate-attribute")
MEANINGLESS_COMBINATION = Code("QS204", "meaningless-combination")
INVALID_EXPRESSION = Code("QS205", "invalid-expression")
INVALID_PATTERN = Code("QS206", "invalid-pattern")
NOT_SUPPORTED_YET = Code("QS207", "not-supported-yet")

UNMATCHED_RULE = Code("QS301", "unmatched-rule", Severity.WARNING)
OVERRIDDEN_RULE = Code("QS302", "overridden-rule", Severity.WARNING)
MISSING_SLOT = Code("QS303", "missing-slot", Severity.WARNING)
UNKNOWN_LAYER_ATTRIBUTE = Code("QS304", "unknown-layer-attribute")
CONFLICTING_WEIGHTS = Code("QS305", "conflicting-weights")
CHANGED_BY_CONSTRAINT = Code("QS306", "changed-by-constraint", Severity.WARNING)
ADAPTED_GRANULARITY = Code("QS307", "adapted-granularity", Severity.NOTE)
FUSED_SLOT = Code("QS308", "fused-slot", Severity.WARNING)
LEFT_IN_FLOAT = Code("QS310", "left-in-float", Severity.WARNING)
NOTHING_QUANTIZED = Code("QS309", "nothing-quantized", Severity.WARNING)

NOT_ACCEPTED = Code("QS401", "not-accepted")
LEFT_TO_HOST = Code("QS402", "left-to-host", Severity.WARNING)
REFUSED_MODEL = Code("QS403", "refused-model")
TARGET_WARNING = Code("QS404", "target-warning", Severity.WARNING)
UNKNOWN_TARGET = Code("QS405", "unknown-target")
INVALID_OPTION = Code("QS406", "invalid-option")
REQUIREMENT_FAILED = Code("QS407", "requirement-failed")
DEPRECATED_TARGET = Code("QS408", "deprecated-target", Severity.WARNING)
NEAR_LIMIT = Code("QS411", "near-limit", Severity.NOTE)

UNREADABLE_MODEL = Code("QS501", "unreadable-model")
UNSUPPORTED_LAYER = Code("QS502", "unsupported-layer")
UNKNOWN_SHAPE = Code("QS503", "unknown-shape")
UNUSABLE_DATA = Code("QS504", "unusable-data")
NOT_KERAS_3 = Code("QS505", "not-keras-3")
MISSING_EXTRA = Code("QS506", "missing-extra")
INVALID_FILE = Code("QS507", "invalid-file")
INVALID_PARAMETERS = Code("QS508", "invalid-parameters")
MISSING_PARAMETERS = Code("QS509", "missing-parameters")
WRONG_BIAS_SCALE = Code("QS510", "wrong-bias-scale")
FLOAT_ISLAND = Code("QS511", "float-island", Severity.WARNING)
DYNAMIC_SHAPE = Code("QS512", "dynamic-shape", Severity.NOTE)

FILE_DIFFERS_FROM_PLAN = Code("QS601", "file-differs-from-plan")
PARITY_BROKEN = Code("QS602", "parity-broken")
RANGE_NEVER_OBSERVED = Code("QS603", "range-never-observed")
LOWERING_DIFFERS = Code("QS604", "lowering-differs")
REQUANTIZATION = Code("QS605", "requantization", Severity.NOTE)
RULES_NOT_CHECKED = Code("QS606", "rules-not-checked", Severity.NOTE)

MISSING_EDITION = Code("QS901", "missing-edition", Severity.WARNING)
UNUSED_SUPPRESSION = Code("QS902", "unused-suppression", Severity.WARNING)
