# Words that mean the same in every module, layer, policy and matrix. The headers say them once, in the contracts and here,
# and not again beside each member; the reference shows the sentence at all of them.
s|^( *)(using Value = )|\1/** The type of a value: float, double. */ \2|
s|^( *)(using Backend = )|\1/** Where matrices live and who works on them. */ \2|
s|^( *)(using Context = )|\1/** What a run needs and a layer must not own. */ \2|
s|^( *)(using Tensor = )|\1/** A matrix of this value type and backend. */ \2|
s|^( *)(using ConstView = )|\1/** What is read: a view of constant values. */ \2|
s|^( *)(using ExpertType = )|\1/** The type of the experts. */ \2|
s|^( *)(using rebind =)|\1/** The same type over another value type. */ \2|
s|^( *)(using Stats = )|\1/** What the run observed. */ \2|
s|^( *)(using DecodingState = )|\1/** What decoding keeps between rows. */ \2|
s|^( *)(static constexpr bool is_causal =)|\1/** No answer of inference depends on a later row. */ \2|
s|^( *)(static constexpr bool is_batch_invariant =)|\1/** No choice of inference depends on another row. */ \2|
s|^( *)(static void visit_parameters\()|\1/** Calls visit(name, tensor of each tree...) for every weight, in one fixed order. */ \2|
s|^( *)(static void visit_channels\()|\1/** Calls visit(Channels, weight of each tree...) for every weight, see Channels. */ \2|
s|^( *)(MOE_HOST_DEVICE Real value\(Real z\) const )|\1/** The activation of z. */ \2|
s|^( *)(MOE_HOST_DEVICE Real derivative\(Real z\) const )|\1/** Its slope at z. */ \2|
s|^( *)(using Activation = )|\1/** What stands between the products. */ \2|
s|^( *)(static void visit_buffers\()|\1/** The same for what is saved and has no gradient. */ \2|
s|^( *)([A-Za-z]+ structure\(\) const )|\1/** The same tree with every tensor empty: a gradient in which nothing trains yet. */ \2|
s|^( *)(Index width\(\) const )|\1/** D: columns of x and of y. */ \2|
s|^( *)(MOE_HOST_DEVICE )?(Index size\(\) const )|\1/** Number of values. */ \2\3|
s|^( *)(MOE_HOST_DEVICE )?(bool empty\(\) const )|\1/** Whether there is no value. */ \2\3|
s|^( *)(Index count\(\) const )|\1/** How many there are. */ \2|
s|^( *)(Index rows\(\) const )|\1/** Number of rows. */ \2|
s|^( *)(Index cols\(\) const )|\1/** Number of columns. */ \2|
s|^( *)(const )?(Value\* data\(\) )|\1/** The first value; null where there is no memory. */ \2\3|
s|^( *)(void fill_zero\(\) )|\1/** Every value becomes 0. */ \2|
s|^( *)([A-Z][a-z]+ copy\(\) const )|\1/** The same values in memory of their own. */ \2|
s|^( *)(View<.*> view\(\) )|\1/** A view of all of it, valid as long as it lives. */ \2|
s|^( *)(MOE_HOST_DEVICE )?((const )?[A-Za-z]+[&*] begin\(\) const )|\1/** The first entry. */ \2\3|
s|^( *)(MOE_HOST_DEVICE )?(const T\* begin\(\) const )|\1/** The first entry. */ \2\3|
s|^( *)(MOE_HOST_DEVICE )?((const )?[A-Za-z]+[&*] end\(\) const )|\1/** Behind the last entry. */ \2\3|
s|^( *)(Tensor x_owned;)|\1/** x, where forward was given the matrix itself. */ \2|
s|^( *)(ConstView x_TD;)|\1/** What forward read; its memory outlives this. */ \2|
s|^( *)(MixSaved<.*> mix;)|\1/** What the experts keep. */ \2|
s|^( *)(MOE_HOST_DEVICE )?((const )?[A-Za-z]+& operator\[\]\()|\1/** Entry i, unchecked. */ \2\3|
s|^( *)(double balance_loss\(\) const )|\1/** N sum f_i p_i (eq. 8 without alpha); 0 where there is none. */ \2|
s|^( *)(double z_loss\(\) const )|\1/** The router z-loss without its coefficient; 0 where there is none. */ \2|
s|^( *)(Tensor o_token_TD, o_segment_TD;)|\1/** The two levels' outputs. */ \2|

# Overloads that exist to explain a mistake are no part of the reference.
\|^ *// --- calls that are mistakes|,\|^ private:|{
  s|^ *// --- calls that are mistakes.*|/** \\cond */|
  s|^ private:|/** \\endcond */ private:|
}
\|^ *// What these take is a mistake|,\|Index size\(\) const|{
  s|^ *// What these take is a mistake.*|/** \\cond */|
  s|^( *)/\*\* Number|/** \\endcond */ /** Number|
}

# One comment over several members of one type is all of theirs.
\#^ *(/\*\*.*\*/ )?(Tensor|Indices|Index|(Vector|Linear|Matrix)<[^>]*>) [a-z]#{
  :next
  s#(Tensor|Indices|Index|(Vector|Linear|Matrix)<[^>]*>) ([A-Za-z0-9_]+( = 0)?), ([A-Za-z0-9_][^()]*;)$#\1 \3; /** Beside the one before; see there. */ \1 \5#
  t next
}
# A name in parentheses, which keeps other people's macros away, is a name.
s/\((max|min)\)\(/\1(/g
