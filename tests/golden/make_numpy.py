#!/usr/bin/env python3
"""Writes what the routers and balance losses of the literature compute, from their equations, for numpy_test.cpp.

    pip install numpy==2.4.6 scipy==1.17.1
    python3 tests/golden/make_numpy.py tests/golden/data

transformers has none of these. They stand here as their papers have them, in float64, one file for layers whose rows
are tokens and one for layers of segments. Gates are the identity, so that an input is its logits. A file's metadata
holds settings and losses as CASE.NAME; its tensors are

    gate_proj, up_proj [E F, D], down_proj [E D, F]   E SwiGLU experts for all cases, one below the other
    d_y                        [20, D] for all cases, of which T rows are taken
    CASE.x, CASE.y             [T, D]  rows and the layer's answer
    CASE.chosen, CASE.kept     [T, E]  ranks, from 1; kept where a capacity drops; of segments [V, E]
    CASE.gates                 [T, E]  0 where not chosen, or dropped
    CASE.boundary              [1, E]  between the rows an expert took and those it left; prices
    CASE.lengths               [1, G]  rows of each sequence, where there is more than one
    CASE.buffer                [1, E]  biases, thresholds or prices that the router is given
    CASE.absorbed                      what a step makes of the biases, or of the loss's weight
    CASE.grad.answer           [T, D]  d <d_y, y> / dx
    CASE.grad.balance, .grad.z [T, D]  of the balance loss and of the z-loss

Gradients are complex steps, exact to the last digits, and are checked here against central differences. Choices are
constants in them. Seeds are fixed; inputs are drawn until no choice is close and no simpler rule would choose the same.
Only equal rows, and equal logits of one row, are as close as can be: those are told apart by their index.
"""
import pathlib
import sys

import numpy
from golden_file import write
from scipy.optimize import linear_sum_assignment

E = D = 9
F = 2


# ---- the functions of the papers -------------------------------------------------------------------------------------
def softmax(z):
    exp = numpy.exp(z - z.real.max(axis=-1, keepdims=True))
    return exp / exp.sum(axis=-1, keepdims=True)


def sigmoid(z):
    return 1 / (1 + numpy.exp(-z))


def relu(z):
    return numpy.where(z.real > 0, z, 0)


def ranks_of_best(scores, k, axis=-1):
    """1 for the best along the axis, 2 for the next, ... k; 0 for the others. Among equals the lower index wins."""
    order = numpy.argsort(-scores, axis=axis, kind="stable")
    place = numpy.argsort(order, axis=axis, kind="stable") + 1
    return numpy.where(place <= k, place, 0)


def boundaries(scores, take):
    """Midway between the take-th score of each expert and the next; half the last where there is none."""
    falling = -numpy.sort(-scores, axis=0)
    return (falling[take - 1] + (falling[take] if take < len(scores) else 0)) / 2


# ---- who is chosen ---------------------------------------------------------------------------------------------------
def top_k(k):
    return lambda z: ranks_of_best(z, k)


def within_groups(z, scores, worth, k, groups, kept_groups):
    """The k best of those groups of neighbors that are worth most."""
    size = E // groups
    grouped = scores.reshape(len(z), groups, size)
    is_kept = ranks_of_best(worth(grouped), kept_groups) > 0
    return ranks_of_best(numpy.where(numpy.repeat(is_kept, size, axis=1), scores, -numpy.inf), k)


def deepseek_v2(k, groups, kept_groups):
    """arXiv 2405.04434, 2.2.2: a group (device) is as good as its best expert's affinity."""
    return lambda z: within_groups(z, softmax(z), lambda s: s.max(axis=2), k, groups, kept_groups)


def deepseek_v3(k, groups, kept_groups, bias):
    """arXiv 2412.19437, eq. 16 and 2.1.2: affinity plus bias; a group is as good as its two best together."""
    return lambda z: within_groups(z, sigmoid(z) + bias, lambda s: numpy.sort(s, axis=2)[:, :, -2:].sum(axis=2), k,
                                   groups, kept_groups)


def sinkhorn(k, rounds):
    """arXiv 2202.01169, 3.2: exp(z) scaled to rows of equal weight, then to experts of equal weight, and again."""
    def choose(z):
        plan = numpy.exp(z)
        for _ in range(rounds):
            plan = plan / plan.sum(axis=1, keepdims=True) / len(z)
            plan = plan / plan.sum(axis=0, keepdims=True) / E
        return ranks_of_best(plan, k)
    return choose


def expert_choice(take):
    """arXiv 2202.09368: of S = softmax(z) each expert takes the rows with the largest entries of its column."""
    return lambda z: ranks_of_best(softmax(z), take, axis=0)


def capped_expert_choice(take, cap):
    """Experts in turn; a row that `cap` have taken counts as one of score 0 and is not taken."""
    def scores_and_ranks(z):
        scores, ranks = softmax(z), numpy.zeros(z.shape, int)
        for e in range(E):
            full = (ranks > 0).sum(axis=1) >= cap
            scores[full, e] = 0
            ranks[:, e] = numpy.where(full, 0, ranks_of_best(scores[:, e], take))
        return scores, ranks
    return scores_and_ranks


def positive(z):
    """arXiv 2412.14711: ReLU gates that are not 0."""
    return in_order_of_index(z > 0)


def threshold(thresholds):
    """arXiv 2603.11535: experts whose score exceeds what they ask for."""
    return lambda z: in_order_of_index(softmax(z) > thresholds)


def in_order_of_index(is_chosen):
    return numpy.where(is_chosen, numpy.cumsum(is_chosen, axis=1), 0)


def prices_of_quantiles(z, k, rounds):
    """What each row could have without its k best, then what each expert has to ask for an even share of rows."""
    prices, share = numpy.zeros(E), len(z) * k // E
    for _ in range(rounds):
        alpha = -numpy.sort(-(z - prices), axis=1)[:, k]
        prices = boundaries(z - alpha[:, None], share)
    return prices


def best_assignment(z, room):
    """arXiv 2103.16716: the largest sum of logits where no expert has more rows than its share, and by how much any
    other assignment falls short."""
    slots = numpy.repeat(z, room, axis=1)

    def solve(worth):
        rows, columns = linear_sum_assignment(worth, maximize=True)
        chosen = numpy.zeros(z.shape, int)
        chosen[rows, columns // room] = 1
        return worth[rows, columns].sum(), chosen

    best, chosen = solve(slots)
    others = []
    for row in range(len(z)):
        without = slots.copy()
        without[row, numpy.repeat(chosen[row] > 0, room)] = -1e3
        others.append(solve(without)[0])
    return best, chosen, best - max(others)


# ---- what a capacity leaves ------------------------------------------------------------------------------------------
def room(choices, rows, factor, minimum):
    return min(max(int(numpy.ceil(factor * choices / E)), minimum), rows)


def keep_in_order(chosen, take, rows):
    """All first choices, row after row in that order, then all second ones (arXiv 2006.16668, algorithm 1)."""
    kept, held = numpy.zeros_like(chosen), numpy.zeros(E, int)
    for rank in range(1, chosen.max() + 1):
        for row in rows:
            for e in numpy.flatnonzero(chosen[row] == rank):
                if held[e] < take:
                    kept[row, e], held[e] = rank, held[e] + 1
    return kept


def by_position(z, chosen, take):
    return keep_in_order(chosen, take, range(len(z)))


def by_priority(z, chosen, take):
    """arXiv 2106.05974: rows in the order of their largest routing weight."""
    return keep_in_order(chosen, take, numpy.argsort(-softmax(z).max(axis=1), kind="stable"))


def by_probability(z, chosen, take):
    """Each expert keeps those of its rows that are most probable, first choices or not."""
    return numpy.where(ranks_of_best(numpy.where(chosen > 0, softmax(z), -1), take, axis=0) > 0, chosen, 0)


# ---- gates: functions of z, the choice being a constant --------------------------------------------------------------
def raw_softmax(scale=1.0):
    return lambda z, over: numpy.where(over > 0, scale * softmax(z), 0)


def normalized(scores, scale=1.0):
    def gates(z, over):
        chosen = numpy.where(over > 0, scores(z), 0)
        total = chosen.sum(axis=1, keepdims=True)
        return scale * chosen / numpy.where(total == 0, 1, total)
    return gates


def raw_sigmoid(z, over):
    return numpy.where(over > 0, sigmoid(z), 0)


def relu_gates(z, over):
    return numpy.where(over > 0, relu(z), 0)


# ---- losses ----------------------------------------------------------------------------------------------------------
def balance_over(experts, chosen):
    """arXiv 2101.03961, eqs. 4 to 6, for any number of choices: N sum_i f_i P_i over the N experts, without alpha."""
    f = (chosen[:, experts] > 0).sum(axis=0) / (chosen[:, experts] > 0).sum()
    return lambda z: len(experts) * (f * softmax(z[:, experts]).mean(axis=0)).sum()


def balance_of_sequences(chosen, k, lengths):
    """arXiv 2412.19437, eqs. 17 to 20, without alpha, and the mean over sequences that are not empty. f counts what was
    chosen, biases included, where eq. 18 counts the k largest affinities."""
    ends = numpy.cumsum(lengths)
    spans = [slice(end - length, end) for end, length in zip(ends, lengths) if length]

    def loss(z):
        total = 0
        for span in spans:
            f = E / (k * len(z[span])) * (chosen[span] > 0).sum(axis=0)
            s = sigmoid(z[span])
            total = total + (f * (s / s.sum(axis=1, keepdims=True)).mean(axis=0)).sum()
        return total / len(spans)
    return loss


def sparsity(chosen, k, weight):
    """arXiv 2412.14711: lambda / T sum_te f_e R_te with f_e = E / (k T) times the rows that e is active for."""
    f = E / (k * len(chosen)) * (chosen > 0).sum(axis=0)
    return lambda z: weight * (f * relu(z)).sum() / len(z)


def z_loss(z):
    """ST-MoE, arXiv 2202.08906, eq. 5."""
    return (numpy.log(numpy.exp(z).sum(axis=1)) ** 2).mean()


# ---- layers ----------------------------------------------------------------------------------------------------------
def gradient(function, x):
    """Im function(x + i h) / h has no difference to lose digits in."""
    result, central = numpy.empty(x.shape), numpy.empty(x.shape)
    for at in numpy.ndindex(x.shape):
        step = numpy.zeros(x.shape)
        step[at] = 1
        result[at] = function(x + 1e-100j * step).imag / 1e-100
        central[at] = (function(x + 1e-5 * step) - function(x - 1e-5 * step)) / 2e-5
    assert numpy.abs(result - central).max() <= 1e-8 * max(1, numpy.abs(result).max()), "a gradient is wrong"
    return result


def answer_of(experts, x, gates):
    y = numpy.zeros(x.shape, gates.dtype)
    for e in range(E):
        gate, up, down = experts[0][e], experts[1][e], experts[2][e]
        a = x @ gate.T
        y = y + gates[:, e:e + 1] * ((a * sigmoid(a) * (x @ up.T)) @ down.T)
    return y


def drawn(random, rows, choose, others=(), crowd=0.0, ties=False):
    """Logits whose choice stays where each of them moves by about a millionth, and is not that of the other rules."""
    def tied(z):
        if ties:
            z[-2], z[-1] = z[1], z[3]
            z[0, [2, 7]] = z[4, [1, 5]] = 4
        return z
    while True:
        z = tied(1.5 * random.normal(size=(rows, D)) + crowd * (numpy.arange(E) < 3))
        chosen = choose(z)
        if any(numpy.array_equal(other(z), chosen) for other in others):
            continue
        if all(numpy.array_equal(choose(tied(z + 1e-6 * random.normal(size=z.shape))), chosen) for _ in range(50)):
            return z


class Golden:
    """What one file holds."""

    def __init__(self, seed):
        self.tensors, self.metadata, self.random = {}, {}, numpy.random.default_rng(seed)
        draw = lambda *shape: self.random.normal(size=shape) * shape[-1] ** -0.5
        self.experts = draw(E, F, D), draw(E, F, D), draw(E, D, F)
        for name, weights in zip(("gate_proj", "up_proj", "down_proj"), self.experts):
            self.tensors[name] = weights.reshape(-1, weights.shape[2])
        self.tensors["d_y"] = self.random.normal(size=(20, D))

    def add(self, name, tensors, **settings):
        for key, value in tensors.items():
            self.tensors[f"{name}.{key}"] = numpy.asarray(value, float)
        for key, value in settings.items():
            self.metadata[f"{name}.{key}"] = repr(float(value)) if isinstance(value, float) else value

    def add_layer(self, name, x, gates_of, lossy=None, **tensors):
        """`gates_of` turns x into each row's gates; `lossy` are losses that are functions of x."""
        gates = gates_of(x)
        d_y = self.tensors["d_y"][:len(x)]
        results = {"x": x, "gates": gates, "y": answer_of(self.experts, x, gates), **tensors,
                   "grad.answer": gradient(lambda x: (d_y * answer_of(self.experts, x, gates_of(x))).sum(), x)}
        for loss, function in (lossy or {}).items():
            results[f"grad.{loss}"] = gradient(function, x)
            self.metadata[f"{name}.{loss}"] = repr(float(function(x)))
        self.add(name, results)

    def write(self, path):
        write(path, self.tensors, {**self.metadata, "numpy": numpy.__version__})


def token_choice(file, name, choose, gates, rows, balance=None, others=(), crowd=0.0, ties=False, **tensors):
    """A layer whose rows choose, and in which nobody is dropped. Returns what it chose from."""
    z = drawn(file.random, rows, choose, others, crowd, ties)
    chosen = choose(z)
    balance = balance(chosen) if balance else balance_over(numpy.arange(E), chosen)
    file.add_layer(name, z, lambda x: gates(x, chosen), {"balance": balance}, chosen=chosen, **tensors)
    return z


def dropping(file, name, k, gates, drop, factor, minimum, rows, after=False):
    """A layer whose experts have limited room. The balance loss counts what was dropped, too."""
    take = room(rows * k, rows, factor, minimum)

    def both(rule):
        return lambda z: numpy.stack([top_k(k)(z), rule(z, top_k(k)(z), take)])

    def first_come(z, chosen, take):
        return numpy.where(keep_in_order((chosen > 0).astype(int), take, range(rows)) > 0, chosen, 0)

    def from_the_end(z, chosen, take):
        return drop(z[::-1], chosen[::-1], take)[::-1]

    others = {by_position, by_priority, by_probability, from_the_end, first_come, lambda z, chosen, take: chosen}
    others -= {drop, first_come} if k == 1 else {drop}
    z = drawn(file.random, rows, both(drop), [both(rule) for rule in others], crowd=1.0, ties=True)
    chosen, kept = both(drop)(z)
    over = kept if after else chosen
    file.add_layer(name, z, lambda x: numpy.where(kept > 0, gates(x, over), 0),
                   {"balance": balance_over(numpy.arange(E), chosen), "z": z_loss}, chosen=chosen, kept=kept)
    file.add(name, {}, k=k, factor=factor, minimum=minimum)


def tokens(file):
    random = file.random
    dropping(file, "switch", 1, raw_softmax(), by_position, 1.0, 1, 17)
    dropping(file, "switch_minimum", 1, raw_softmax(), by_position, 0.5, 4, 19)
    dropping(file, "gshard", 2, normalized(softmax), by_position, 1.0, 1, 13)
    dropping(file, "gshard_after", 2, normalized(softmax), by_position, 1.25, 2, 11, after=True)
    dropping(file, "priority", 2, raw_softmax(), by_priority, 1.0, 1, 15)
    dropping(file, "probability", 2, raw_softmax(), by_probability, 1.0, 1, 14)

    token_choice(file, "deepseek_moe", top_k(3), raw_softmax(2.5), 11, ties=True)
    file.add("deepseek_moe", {}, k=3, scale=2.5)
    shared = 4
    routed = numpy.delete(numpy.arange(E), shared)
    token_choice(file, "shared", lambda z: ranks_of_best(numpy.where(numpy.arange(E) == shared, numpy.inf, z), 3),
                 normalized(softmax), 10, lambda chosen: balance_over(routed, chosen))
    file.add("shared", {}, k=3, shared=shared)
    token_choice(file, "deepseek_v2", deepseek_v2(3, 3, 2), raw_softmax(1.5), 11, others=[top_k(3)])
    file.add("deepseek_v2", {}, k=3, groups=3, kept_groups=2, scale=1.5)
    bias, lengths = 0.2 * random.normal(size=E), (5, 0, 1, 7)
    z = token_choice(file, "deepseek_v3", deepseek_v3(4, 3, 2, bias), normalized(sigmoid, 2.5), sum(lengths),
                 lambda chosen: balance_of_sequences(chosen, 4, lengths), buffer=[bias],
                 others=[deepseek_v3(4, 3, 2, 0), deepseek_v3(4, 1, 1, bias)])
    load = (deepseek_v3(4, 3, 2, bias)(z) > 0).sum(axis=0)
    file.add("deepseek_v3", {"lengths": [lengths], "absorbed": [bias + 0.01 * numpy.sign(load.mean() - load)]},
             k=4, groups=3, kept_groups=2, scale=2.5, rate=0.01)

    token_choice(file, "sinkhorn", sinkhorn(1, 20), raw_sigmoid, 18, crowd=2.0, others=[top_k(1), sinkhorn(1, 2)])
    file.add("sinkhorn", {}, k=1)
    token_choice(file, "sinkhorn_top_2", sinkhorn(2, 3), raw_softmax(), 12, crowd=2.0,
                 others=[top_k(2), sinkhorn(2, 2), sinkhorn(2, 4)])
    file.add("sinkhorn_top_2", {}, k=2, rounds=3)
    for name, rows in (("base", 18), ("base_uneven", 16)):
        most, chosen, gap = 0, None, 0
        # So clear that an auction of small bids has one outcome.
        while gap < 0.02:
            z = random.normal(size=(rows, D)) + (numpy.arange(E) < 3)
            most, chosen, gap = best_assignment(z, 2)
        file.add_layer(name, z, lambda x: raw_sigmoid(x, chosen), chosen=chosen)
        file.add(name, {}, sum=most, gap=gap)

    for name, rows, factor in (("expert_choice", 13, 2.0), ("expert_choice_of_one", 8, 0.5)):
        take = max(1, int(rows * factor / E))
        z = drawn(random, rows, expert_choice(take), ties=True)
        chosen = expert_choice(take)(z)
        # Without losses: loads are even, so that the balance loss is 1 whatever the logits are.
        file.add_layer(name, z, lambda x: raw_softmax()(x, chosen), chosen=chosen,
                       boundary=[boundaries(softmax(z), take)])
        file.add(name, {}, factor=factor)
    capped = capped_expert_choice(4, 2)
    z = token_choice(file, "capped_expert_choice", lambda z: capped(z)[1], raw_softmax(), 10, ties=True,
                     others=[expert_choice(4), lambda z: capped_expert_choice(4, 3)(z)[1]])
    file.add("capped_expert_choice", {"boundary": [boundaries(capped(z)[0], 4)]}, factor=3.7, cap=2)

    z = token_choice(file, "remoe", positive, relu_gates, 12, lambda chosen: sparsity(chosen, 2, 0.37))
    # Where gates are sparser than they are to be, the weight becomes smaller.
    sparser = numpy.sign((1 - 2 / E) - (positive(z) == 0).mean())
    file.add("remoe", {"absorbed": [[0.37 * 1.2 ** sparser]]}, k=2, weight=0.37)
    thresholds = random.uniform(0.02, 0.3, size=E)
    token_choice(file, "threshold", threshold(thresholds), raw_softmax(), 10, buffer=[thresholds])
    z = token_choice(file, "quantile", lambda z: ranks_of_best(z - prices_of_quantiles(z, 2, 4), 2),
                     normalized(softmax), 20, crowd=2.0, others=[top_k(2)])
    file.add("quantile", {"boundary": [prices_of_quantiles(z, 2, 4)]}, k=2)
    learned = random.normal(size=E)
    token_choice(file, "priced", lambda z: ranks_of_best(z - learned, 2), normalized(softmax), 10, buffer=[learned],
                 others=[top_k(2)])
    file.add("priced", {}, k=2)


def segments(file):
    """arXiv 2202.09368's choice over windows: each segment's rows are pooled, and its gates hold for all of them."""
    window, lengths, take = 4, (6, 0, 9, 4), 3
    begins, begin = [], 0
    for length in lengths:
        begins += range(begin, begin + length, window)
        begin += length
    ends = begins[1:] + [begin]
    of_row = numpy.repeat(numpy.arange(len(begins)), numpy.subtract(ends, begins))

    def mean(x):
        return numpy.stack([x[b:e].mean(axis=0) for b, e in zip(begins, ends)])

    def most(x):
        return numpy.stack([x[b + x[b:e].real.argmax(axis=0), numpy.arange(D)] for b, e in zip(begins, ends)])

    for name, pool in (("mean", mean), ("max", most)):
        x = drawn(file.random, begin, lambda z: expert_choice(take)(pool(z)))
        chosen = expert_choice(take)(pool(x))
        file.add_layer(name, x, lambda x: raw_softmax()(pool(x), chosen)[of_row], chosen=chosen,
                       boundary=[boundaries(softmax(pool(x)), take)])
        file.add(name, {"lengths": [lengths]}, window=window, factor=take * E / len(begins) + 0.01)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for seed, (name, fill) in enumerate({"numpy_tokens": tokens, "numpy_segments": segments}.items()):
        file = Golden(seed)
        fill(file)
        file.write(folder / f"{name}.safetensors")


if __name__ == "__main__":
    main()
