# Descriptions of members that have the same meaning in every module, layer, policy and matrix. The headers state them
# once, in the contracts, and not again at each member; this filter adds them at every member of the reference.
s|^( *)(using Value = )|\1/** The type of a value: float, double. */ \2|
s|^( *)(using Backend = )|\1/** The backend, which holds the matrices and computes on them. */ \2|
s|^( *)(using Context = )|\1/** The resources of a run that a layer does not own. */ \2|
s|^( *)(using Tensor = )|\1/** A matrix of this value type and backend. */ \2|
s|^( *)(using ConstView = )|\1/** A view of constant values, for inputs. */ \2|
s|^( *)(using ExpertType = )|\1/** The type of the experts. */ \2|
s|^( *)(using rebind =)|\1/** The same type with another value type. */ \2|
s|^( *)(using Stats = )|\1/** The statistics that a run returns. */ \2|
s|^( *)(using DecodingState = )|\1/** The state that decoding keeps between rows. */ \2|
s|^( *)(static constexpr bool is_causal =)|\1/** True if no output of inference depends on a later row. */ \2|
s|^( *)(static constexpr bool is_batch_invariant =)|\1/** True if no choice of inference depends on another row. */ \2|
s|^( *)(static void visit_parameters\()|\1/** Calls visit(name, tensor of each tree...) for every weight, in one fixed order. */ \2|
s|^( *)(static void visit_channels\()|\1/** Calls visit(Channels, weight of each tree...) for every weight, see Channels. */ \2|
s|^( *)(MOE_HOST_DEVICE Real value\(Real z\) const )|\1/** The activation of z. */ \2|
s|^( *)(MOE_HOST_DEVICE Real derivative\(Real z\) const )|\1/** The derivative of the activation at z. */ \2|
s|^( *)(using Activation = )|\1/** The activation between the two products. */ \2|
s|^( *)(static void visit_buffers\()|\1/** The same for buffers: saved values without a gradient. */ \2|
s|^( *)([A-Za-z]+ empty_tree\(\) const )|\1/** The same parameter tree with every tensor empty: a gradient tree in which no weight trains. */ \2|
s|^( *)(Index width\(\) const )|\1/** D: columns of x and of y. */ \2|
s|^( *)(MOE_HOST_DEVICE )?(Index size\(\) const )|\1/** Number of values. */ \2\3|
s|^( *)(MOE_HOST_DEVICE )?(bool empty\(\) const )|\1/** Whether there is no value. */ \2\3|
s|^( *)(Index count\(\) const )|\1/** Number of entries. */ \2|
s|^( *)(Index rows\(\) const )|\1/** Number of rows. */ \2|
s|^( *)(Index cols\(\) const )|\1/** Number of columns. */ \2|
s|^( *)(const )?(Value\* data\(\) )|\1/** The first value; null where there is no memory. */ \2\3|
s|^( *)(void fill_zero\(\) )|\1/** Sets every value to 0. */ \2|
s|^( *)([A-Z][a-z]+ copy\(\) const )|\1/** A copy of the values in separate memory. */ \2|
s|^( *)(View<.*> view\(\) )|\1/** A view of all values, valid as long as this object. */ \2|
s|^( *)(MOE_HOST_DEVICE )?((const )?[A-Za-z]+[&*] begin\(\) const )|\1/** The first entry. */ \2\3|
s|^( *)(MOE_HOST_DEVICE )?(const T\* begin\(\) const )|\1/** The first entry. */ \2\3|
s|^( *)(MOE_HOST_DEVICE )?((const )?[A-Za-z]+[&*] end\(\) const )|\1/** One past the last entry. */ \2\3|
s|^( *)(Tensor x_owned;)|\1/** x, if forward took ownership of the matrix. */ \2|
s|^( *)(ConstView x_TD;)|\1/** The input of forward; its memory must outlive this object. */ \2|
s|^( *)(MixSaved<.*> mix;)|\1/** The values that the experts save for backward. */ \2|
s|^( *)(MOE_HOST_DEVICE )?((const )?[A-Za-z]+& operator\[\]\()|\1/** Entry i, unchecked. */ \2\3|
s|^( *)(double balance_loss\(\) const )|\1/** N sum f_i p_i (eq. 8 without alpha); 0 where there is none. */ \2|
s|^( *)(double z_loss\(\) const )|\1/** The router z-loss without its coefficient; 0 where there is none. */ \2|
s|^( *)(Tensor o_token_TD, o_segment_TD;)|\1/** The two levels' outputs. */ \2|

# Overloads that exist only to explain a misuse are not part of the reference.
\|^ *// --- calls that are mistakes|,\|^ private:|{
  s|^ *// --- calls that are mistakes.*|/** \\cond */|
  s|^ private:|/** \\endcond */ private:|
}
\|^ *// What these take is a mistake|,\|Index size\(\) const|{
  s|^ *// What these take is a mistake.*|/** \\cond */|
  s|^( *)/\*\* Number|/** \\endcond */ /** Number|
}

# A comment above several members of one type applies to all of them.
\#^ *(/\*\*.*\*/ )?(Tensor|Indices|Index|(Vector|Linear|Matrix)<[^>]*>) [a-z]#{
  :next
  s#(Tensor|Indices|Index|(Vector|Linear|Matrix)<[^>]*>) ([A-Za-z0-9_]+( = 0)?), ([A-Za-z0-9_][^()]*;)$#\1 \3; /** See the previous member. */ \1 \5#
  t next
}
# Parentheses around a name, which prevent the expansion of function-like macros, are removed.
s/\((max|min)\)\(/\1(/g
