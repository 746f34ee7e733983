"""Which ops a TFLite file is made of, and their names; needs nothing but the standard library.

The tables are TFLite's own, by its schema.fbs: a name's place is its number. A test holds them to
the schema that the installed runtime has.
"""

from __future__ import annotations

from dataclasses import dataclass

from xncaps_files.flatbuffer import Source, Table

IDENTIFIER = b"TFL3"
BUILTIN_OPS = tuple(
    """
    ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE
    EMBEDDING_LOOKUP FLOOR FULLY_CONNECTED HASHTABLE_LOOKUP L2_NORMALIZATION L2_POOL_2D
    LOCAL_RESPONSE_NORMALIZATION LOGISTIC LSH_PROJECTION LSTM MAX_POOL_2D MUL RELU RELU_N1_TO_1
    RELU6 RESHAPE RESIZE_BILINEAR RNN SOFTMAX SPACE_TO_DEPTH SVDF TANH CONCAT_EMBEDDINGS SKIP_GRAM
    CALL CUSTOM EMBEDDING_LOOKUP_SPARSE PAD UNIDIRECTIONAL_SEQUENCE_RNN GATHER BATCH_TO_SPACE_ND
    SPACE_TO_BATCH_ND TRANSPOSE MEAN SUB DIV SQUEEZE UNIDIRECTIONAL_SEQUENCE_LSTM STRIDED_SLICE
    BIDIRECTIONAL_SEQUENCE_RNN EXP TOPK_V2 SPLIT LOG_SOFTMAX DELEGATE BIDIRECTIONAL_SEQUENCE_LSTM
    CAST PRELU MAXIMUM ARG_MAX MINIMUM LESS NEG PADV2 GREATER GREATER_EQUAL LESS_EQUAL SELECT SLICE
    SIN TRANSPOSE_CONV SPARSE_TO_DENSE TILE EXPAND_DIMS EQUAL NOT_EQUAL LOG SUM SQRT RSQRT SHAPE POW
    ARG_MIN FAKE_QUANT REDUCE_PROD REDUCE_MAX PACK LOGICAL_OR ONE_HOT LOGICAL_AND LOGICAL_NOT UNPACK
    REDUCE_MIN FLOOR_DIV REDUCE_ANY SQUARE ZEROS_LIKE FILL FLOOR_MOD RANGE RESIZE_NEAREST_NEIGHBOR
    LEAKY_RELU SQUARED_DIFFERENCE MIRROR_PAD ABS SPLIT_V UNIQUE CEIL REVERSE_V2 ADD_N GATHER_ND COS
    WHERE RANK ELU REVERSE_SEQUENCE MATRIX_DIAG QUANTIZE MATRIX_SET_DIAG ROUND HARD_SWISH IF WHILE
    NON_MAX_SUPPRESSION_V4 NON_MAX_SUPPRESSION_V5 SCATTER_ND SELECT_V2 DENSIFY SEGMENT_SUM
    BATCH_MATMUL PLACEHOLDER_FOR_GREATER_OP_CODES CUMSUM CALL_ONCE BROADCAST_TO RFFT2D CONV_3D IMAG
    REAL COMPLEX_ABS HASHTABLE HASHTABLE_FIND HASHTABLE_IMPORT HASHTABLE_SIZE REDUCE_ALL
    CONV_3D_TRANSPOSE VAR_HANDLE READ_VARIABLE ASSIGN_VARIABLE BROADCAST_ARGS RANDOM_STANDARD_NORMAL
    BUCKETIZE RANDOM_UNIFORM MULTINOMIAL GELU DYNAMIC_UPDATE_SLICE RELU_0_TO_1 UNSORTED_SEGMENT_PROD
    UNSORTED_SEGMENT_MAX UNSORTED_SEGMENT_SUM ATAN2 UNSORTED_SEGMENT_MIN SIGN BITCAST BITWISE_XOR
    RIGHT_SHIFT STABLEHLO_LOGISTIC STABLEHLO_ADD STABLEHLO_DIVIDE STABLEHLO_MULTIPLY
    STABLEHLO_MAXIMUM STABLEHLO_RESHAPE STABLEHLO_CLAMP STABLEHLO_CONCATENATE
    STABLEHLO_BROADCAST_IN_DIM STABLEHLO_CONVOLUTION STABLEHLO_SLICE STABLEHLO_CUSTOM_CALL
    STABLEHLO_REDUCE STABLEHLO_ABS STABLEHLO_AND STABLEHLO_COSINE STABLEHLO_EXPONENTIAL
    STABLEHLO_FLOOR STABLEHLO_LOG STABLEHLO_MINIMUM STABLEHLO_NEGATE STABLEHLO_OR STABLEHLO_POWER
    STABLEHLO_REMAINDER STABLEHLO_RSQRT STABLEHLO_SELECT STABLEHLO_SUBTRACT STABLEHLO_TANH
    STABLEHLO_SCATTER STABLEHLO_COMPARE STABLEHLO_CONVERT STABLEHLO_DYNAMIC_SLICE
    STABLEHLO_DYNAMIC_UPDATE_SLICE STABLEHLO_PAD STABLEHLO_IOTA STABLEHLO_DOT_GENERAL
    STABLEHLO_REDUCE_WINDOW STABLEHLO_SORT STABLEHLO_WHILE STABLEHLO_GATHER STABLEHLO_TRANSPOSE
    DILATE STABLEHLO_RNG_BIT_GENERATOR REDUCE_WINDOW STABLEHLO_COMPOSITE STABLEHLO_SHIFT_LEFT
    STABLEHLO_CBRT STABLEHLO_CASE
    """.split()
)
TENSOR_TYPES = tuple(
    """
    FLOAT32 FLOAT16 INT32 UINT8 INT64 STRING BOOL INT16 COMPLEX64 INT8 FLOAT64 COMPLEX128 UINT64
    RESOURCE VARIANT UINT32 UINT16 INT4 BFLOAT16 INT2 UINT4 FLOAT8_E4M3FN FLOAT8_E5M2
    """.split()
)
CUSTOM = BUILTIN_OPS.index("CUSTOM")
STABLEHLO_COMPOSITE = BUILTIN_OPS.index("STABLEHLO_COMPOSITE")
LCE_OPS = frozenset({"LceQuantize", "LceDequantize", "LceBconv2d", "LceBMaxPool2d"})
XNCAPS_OPS = frozenset({"XnCapsOdr", "XnCapsIdr", "XnCapsFc"})
_PLACEHOLDER = 127  # the old one-byte operator code that says: look at the new one


@dataclass(frozen=True)
class OperatorCode:
    """An entry of a model's table of operators: its number, and a custom op's own name."""

    number: int
    custom: str = ""

    @property
    def is_custom(self) -> bool:
        return self.number == CUSTOM

    @property
    def name(self) -> str:
        """'CONV_2D', 'XnCapsOdr', or 'BUILTIN_N' of an op that is newer than the table."""
        if self.is_custom:
            return self.custom or "CUSTOM"
        known = 0 <= self.number < len(BUILTIN_OPS)
        return BUILTIN_OPS[self.number] if known else f"BUILTIN_{self.number}"


@dataclass(frozen=True)
class Ops:
    """What a file's graphs are made of.

    Attributes:
        custom: names of the custom ops, each once, sorted.
        builtin: numbers of TFLite's own, each once, sorted.
        count: of the nodes of all graphs.
    """

    custom: tuple[str, ...]
    builtin: tuple[int, ...]
    count: int


def read_ops(data: bytes, name: str = "") -> Ops:
    """The ops of a TFLite flatbuffer; `name` is its own in errors.

    Raises:
        DataError: it is not one, or an offset, size or number in it leads outside.
    """
    model = Source(data, "TFLite file", name).root(IDENTIFIER, "model")
    codes = operator_codes(model)
    graphs = model.tables(2, "subgraph")
    return Ops(
        custom=tuple(sorted({code.name for code in codes if code.is_custom})),
        builtin=tuple(sorted({code.number for code in codes if not code.is_custom})),
        count=sum(graph.count(3, 4, "operators") for graph in graphs),
    )


def operator_codes(model: Table) -> list[OperatorCode]:
    """The table of operators of a model's root table."""
    return [_code(table) for table in model.tables(1, "operator code")]


def _code(table: Table) -> OperatorCode:
    old, new = table.number(0, "b"), table.number(3, "i")
    number = new if old == _PLACEHOLDER else max(old, new)
    return OperatorCode(number, table.text(1, "custom code") if number == CUSTOM else "")
