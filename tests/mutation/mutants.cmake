# Mutants: bugs that the tests must detect. Each entry plants one bug in a copy of a header:
#
#   mutant(name header          path below include/moe, or below examples if it begins with multipl_moe/, or one that begins with bench/
#     BEFORE [==[...]==]        text of the header, which must occur exactly once
#     AFTER [==[...]==]         the text that replaces it
#     REASON "..."              the mistake that the mutant stands for
#     TESTS file...)            test files, without _test.cpp, run in this order until one fails
#
# TESTS begins with the header's own test file; if a rule holds only for a whole layer, the layer's test file follows.
# No test is written for a single mutant: a survivor shows a rule that no test states, and the new test states the rule.

# ---- selection of experts ------------------------------------------------------------------------
mutant(top_k_takes_one_less routing/router/top_k.hpp
  BEFORE [==[for (ChoiceOrder rank = 1; rank <= k; ++rank)]==]
  AFTER [==[for (ChoiceOrder rank = 1; rank < k; ++rank)]==]
  REASON "K - 1 experts instead of K"
  TESTS routing/router/top_k)
mutant(ties_go_to_the_higher_index routing/router/top_k.hpp
  BEFORE [==[logits_E[e] > own.logit ||]==]
  AFTER [==[logits_E[e] >= own.logit ||]==]
  REASON ">= instead of > for equal logits"
  TESTS routing/router/top_k)
mutant(not_a_number_is_chosen routing/router/top_k.hpp
  BEFORE [==[(own.logit != own.logit && logits_E[e] == logits_E[e])]==]
  AFTER [==[false]==]
  REASON "a NaN logit of expert 0 wins against every number"
  TESTS routing/router/top_k)
mutant(shared_expert_beside_k routing/router/shared_top_k.hpp
  BEFORE [==[rank = shared != no_expert ? 2 : 1; rank <= k; ++rank]==]
  AFTER [==[rank = shared != no_expert ? 2 : 1; rank <= k + 1; ++rank]==]
  REASON "K experts instead of K - 1: the shared expert is not counted"
  TESTS routing/router/shared_top_k)
mutant(shared_expert_missing routing/router/shared_top_k.hpp
  BEFORE [==[chosen_E[e] = e == shared ? 1 : 0;]==]
  AFTER [==[chosen_E[e] = shared != no_expert && e == 0 ? 1 : 0;]==]
  REASON "the shared expert is always expert 0"
  TESTS routing/router/shared_top_k)
mutant(capacity_off_by_one routing/capacity/share.hpp
  BEFORE [==[? static_cast<Index>(share) : most]==]
  AFTER [==[? 1 + static_cast<Index>(share) : most]==]
  REASON "capacity r is too large by one"
  TESTS routing/capacity/share)
mutant(expert_with_capacity_left_has_a_price routing/router/balanced_assignment.hpp
  BEFORE [==[if (load == take) price = kept_S[0];]==]
  AFTER [==[price = kept_S[0];]==]
  REASON "rows are kept away from an expert that is not full"
  TESTS routing/router/balanced_assignment)
mutant(margin_forgets_the_expert_before routing/router/balanced_assignment.hpp
  BEFORE [==[next = best.amount, best = {worth, e};]==]
  AFTER [==[best = {worth, e};]==]
  REASON "the margin is over the best of the experts after the best one, so that bids are too high"
  TESTS routing/router/balanced_assignment)
mutant(kept_bids_are_no_heap routing/router/balanced_assignment.hpp
  BEFORE [==[kept_S[below + 1] < kept_S[below]]==]
  AFTER [==[kept_S[below + 1] > kept_S[below]]==]
  REASON "the first kept bid is not the lowest"
  TESTS routing/router/balanced_assignment)
mutant(rows_with_equal_logits_bid_for_one_expert routing/router/balanced_assignment.hpp
  BEFORE [==[start = r % experts,]==]
  AFTER [==[start = 0,]==]
  REASON "ties go to the lowest index, so that rows with equal logits bid in vain"
  TESTS routing/router/balanced_assignment)
mutant(segment_capacity_rounds_up routing/capacity/segment_capacity.hpp
  BEFORE [==[RoundShare::down]==]
  AFTER [==[RoundShare::up]==]
  REASON "ceil instead of floor"
  TESTS routing/capacity/segment_capacity)
mutant(an_observation_has_no_logits routing/steps/report.hpp
  BEFORE [==[if (!logits_RE.empty()) {]==]
  AFTER [==[if (logits_RE.empty() && size == 0) {]==]
  REASON "an observer never sees the experts that were nearly selected"
  TESTS routing/steps/report)
mutant(ties_go_to_the_later_row backend/cpu/routing.hpp
  BEFORE [==[return x != y ? x < y : a < b;]==]
  AFTER [==[return x != y ? x < y : a > b;]==]
  REASON "experts prefer the later of two rows with equal scores"
  TESTS backend/cpu/routing)
mutant(not_a_number_scores_highest core/score_order.hpp
  BEFORE [==[return static_cast<Bits>(~Bits{0});]==]
  AFTER [==[return Bits{0};]==]
  REASON "a row with a NaN score sorts first"
  TESTS core/score_order)
mutant(minus_zero_below_zero core/score_order.hpp
  BEFORE [==[(bits & sign) != 0 && size != 0 ?]==]
  AFTER [==[(bits & sign) != 0 ?]==]
  REASON "the equal scores -0 and 0 do not tie"
  TESTS core/score_order)
mutant(sigmoid_ends_too_soon core/sigmoid.hpp
  BEFORE [==[z < -largest_exponent<Real> ?]==]
  AFTER [==[z <= -largest_exponent<Real> ?]==]
  REASON "the last finite exponential counts as infinite"
  TESTS core/sigmoid)
mutant(always_is_a_large_factor routing/router/gshard_choice.hpp
  BEFORE [==[if (keep >= always) return;]==]
  AFTER [==[if (keep > always) return;]==]
  REASON "a choice with gate 0 is dropped"
  TESTS routing/router/gshard_choice)
mutant(boundary_at_the_last_score backend/cpu/routing.hpp
  BEFORE [==[boundary_1E(0, e) = (last + next) / 2;]==]
  AFTER [==[boundary_1E(0, e) = last;]==]
  REASON "the boundary is the last selected score, not the midpoint between two scores"
  TESTS backend/cpu/routing)
mutant(threshold_beta_swapped routing/router/threshold_choice.hpp
  BEFORE [==[static_cast<Real>(beta) * threshold + static_cast<Real>(1 - beta) * observed]==]
  AFTER [==[static_cast<Real>(1 - beta) * threshold + static_cast<Real>(beta) * observed]==]
  REASON "the two weights of the moving average are exchanged"
  TESTS routing/router/threshold_choice)
mutant(alike_rows_by_their_place routing/router/identical_rows.hpp
  BEFORE [==[if (identical_1R(0, r) != 0) chosen_RE(r, e) = first;]==]
  AFTER [==[if (identical_1R(0, r) != 0 && chosen_RE(r, e) != 0) chosen_RE(r, e) = first;]==]
  REASON "identical first segments are selected by batch position instead of all or none"
  TESTS routing/router/identical_rows layers/first_segments)
mutant(boundary_among_alike_rows routing/router/identical_rows.hpp
  BEFORE [==[if (left == 0) return;]==]
  AFTER [==[if (left >= 0) return;]==]
  REASON "thresholds reject first segments that training selected"
  TESTS routing/router/identical_rows layers/first_segments)
mutant(steps_draw_alike core/random.hpp
  BEFORE [==[static_cast<std::uint32_t>(bits), layer};]==]
  AFTER [==[0, layer};]==]
  REASON "every forward pass of a run draws the same random numbers"
  TESTS core/random layers/random)
mutant(draws_without_a_key routing/steps/choose.hpp
  BEFORE [==[    require_random_key(random.has_value(), part);]==]
  AFTER [==[    if (!random) return {};]==]
  REASON "training on batches without a key draws the same numbers in every pass"
  TESTS layers/random)
mutant(levels_draw_alike routing/steps/choose.hpp
  BEFORE [==[facts.random->seed ^= name_hash("segment");]==]
  AFTER [==[facts.random->seed ^= 0;]==]
  REASON "rows and segments of a layer draw the same numbers"
  TESTS layers/random)
mutant(thresholds_never_average routing/gating.hpp
  BEFORE [==[updates(0, 0) += 1;]==]
  AFTER [==[updates(0, 0) += 0;]==]
  REASON "every batch overwrites the thresholds instead of averaging"
  TESTS routing/gating)
mutant(thresholds_not_updated routing/gating.hpp
  BEFORE [==[rule.updated(thresholds(0, e), boundary_1E(0, e))]==]
  AFTER [==[thresholds(0, e)]==]
  REASON "thresholds keep the values of the first batch"
  TESTS routing/gating layers/segment_moe)

# ---- gates and auxiliary losses ------------------------------------------------------------------
mutant(softmax_over_all_for_chosen routing/normalizer/softmax_over_chosen.hpp
  BEFORE [==[total += gates_E[e];]==]
  AFTER [==[total += exp(logits_E[e] - logits_E[best]);]==]
  REASON "gates of the selected experts do not sum to 1"
  TESTS routing/normalizer/softmax_over_chosen)
mutant(chosen_gradient_without_inner routing/normalizer/softmax_over_chosen.hpp
  BEFORE [==[gates_E[e] * (d_gates_E[e] - inner)]==]
  AFTER [==[gates_E[e] * d_gates_E[e] + 0 * inner]==]
  REASON "softmax gradient without its inner product"
  TESTS routing/normalizer/softmax_over_chosen)
mutant(gates_of_the_others_stay routing/normalizer/softmax_over_all.hpp
  BEFORE [==[chosen_E[e] != 0 ? static_cast<Real>(scale) * gates_E[e] : Real(0);]==]
  AFTER [==[chosen_E[e] >= 0 ? static_cast<Real>(scale) * gates_E[e] : Real(0);]==]
  REASON "experts that are not selected keep their gate"
  TESTS routing/normalizer/softmax_over_all)
mutant(variation_gradient_without_the_mean routing/steps/variation_loss.hpp
  BEFORE [==[(sums_1E(0, e) / mean - 1 - squares)]==]
  AFTER [==[(sums_1E(0, e) / mean - 1)]==]
  REASON "the gradient treats the mean of the sums as a constant"
  TESTS routing/steps/variation_loss)
mutant(thresholds_of_chosen_and_left_swapped routing/steps/noisy_logits.hpp
  BEFORE [==[return chosen_E[e] != 0 ? best_left : last_chosen;]==]
  AFTER [==[return chosen_E[e] != 0 ? last_chosen : best_left;]==]
  REASON "the thresholds of selected and of other experts are exchanged"
  TESTS routing/steps/noisy_logits)
mutant(threshold_without_gradient routing/steps/noisy_logits.hpp
  BEFORE [==[d_noisy_TE(t, other) -= d;]==]
  AFTER [==[d_noisy_TE(t, other) -= 0;]==]
  REASON "the gradient treats the threshold as a constant"
  TESTS routing/steps/noisy_logits routing/noisy_top_k)
mutant(noise_without_use routing/noisy_top_k.hpp
  BEFORE [==[trains ? saved.noisy_TE : saved.clean_TE]==]
  AFTER [==[trains ? saved.clean_TE : saved.clean_TE]==]
  REASON "the noise is drawn but not used"
  TESTS routing/noisy_top_k)
mutant(balance_without_n routing/steps/balance_loss.hpp
  BEFORE [==[return counted * share(e)]==]
  AFTER [==[return share(e)]==]
  REASON "the factor N of the balance loss is missing"
  TESTS routing/steps/balance_loss)
mutant(balance_gradient_without_mean routing/steps/balance_loss.hpp
  BEFORE [==[(f_E[e] - mean)]==]
  AFTER [==[(f_E[e] - 0 * mean)]==]
  REASON "the balance loss's gradient ignores the softmax's denominator"
  TESTS routing/steps/balance_loss)
mutant(global_balance_of_own_choices routing/steps/balance_loss.hpp
  BEFORE [==[if (!spans_ranks(balance) || !has_ranks(context)) return loads;]==]
  AFTER [==[return loads;]==]
  REASON "f of the rank's own choices"
  TESTS scale/global_balance)
mutant(local_balance_asks_the_ranks routing/steps/balance_loss.hpp
  BEFORE [==[!spans_ranks(balance) || ]==]
  AFTER [==[false || ]==]
  REASON "a local balance loss exchanges loads"
  TESTS scale/global_balance)
mutant(global_balance_divides_by_all_rows routing/steps/balance_loss.hpp
  BEFORE [==[static_cast<double>(loads.rows) / loads.ranks]==]
  AFTER [==[static_cast<double>(loads.rows)]==]
  REASON "the number of ranks divides twice: in p and in the share of each rank"
  TESTS scale/global_balance)
mutant(global_balance_divides_by_own_rows routing/steps/balance_loss.hpp
  BEFORE [==[static_cast<double>(loads.rows) / loads.ranks]==]
  AFTER [==[static_cast<double>(rows)]==]
  REASON "a rank of few rows weighs as much as one of many"
  TESTS scale/global_balance)
mutant(global_balance_gradient_of_own_rows routing/steps/balance_loss.hpp
  BEFORE [==[all_rows = static_cast<Real>(shares.rows)]==]
  AFTER [==[all_rows = static_cast<Real>(logits_TE.rows)]==]
  REASON "the gradient is of another mean than the loss"
  TESTS scale/global_balance)
mutant(global_sparsity_expects_own_choices routing/steps/balance_loss.hpp
  BEFORE [==[balance.expected_choices(loads.rows)]==]
  AFTER [==[balance.expected_choices(rows)]==]
  REASON "choices of all ranks are divided by those that one rank expects"
  TESTS scale/global_balance)
mutant(global_balance_in_another_layer routing/steps/balance_loss.hpp
  BEFORE [==[{"balance loss", context.layer}]==]
  AFTER [==[{"balance loss"}]==]
  REASON "ranks in different layers add their loads"
  TESTS scale/global_balance)
mutant(sum_over_ranks_of_the_last comm/ranks.hpp
  BEFORE [==[sum[i % sum.size()] += from[i];]==]
  AFTER [==[sum[i % sum.size()] = from[i];]==]
  REASON "the numbers of the last rank instead of the sum"
  TESTS scale/global_balance)

# ---- segments ------------------------------------------------------------------------------------
mutant(mean_over_a_whole_window backend/cpu/segments.hpp
  BEFORE [==[m /= static_cast<Real>(begin_1V(0, v + 1) - begin_1V(0, v));]==]
  AFTER [==[m /= static_cast<Real>(begin_1V(0, 1) - begin_1V(0, 0));]==]
  REASON "a shorter last window is divided by the full length"
  TESTS backend/cpu/segments)
mutant(last_row_of_equals_is_the_maximum backend/cpu/segments.hpp
  BEFORE [==[value > max_VD(v, d))]==]
  AFTER [==[value >= max_VD(v, d))]==]
  REASON "the gradient goes to the last of equal maxima"
  TESTS backend/cpu/segments)
mutant(operation_of_ones_own_is_passed_over backend/cpu/gemm.hpp
  BEFORE [==[Backend::for_each(context, (x_RD.rows + few - 1) / few,]==]
  AFTER [==[cpu::ElementwiseOperations<Backend>::for_each(context, (x_RD.rows + few - 1) / few,]==]
  REASON "an operation family calls the CPU's operation although the backend overrides it"
  TESTS backend/cpu/cpu)
mutant(routed_by_its_own_mean routing/steps/segment.hpp
  BEFORE [==[pooled_VD(v - back, d)]==]
  AFTER [==[pooled_VD(v - 0 * back, d)]==]
  REASON "a segment is routed by its own mean instead of the previous segment's: not causal"
  TESTS routing/source/segment_sources)
mutant(mean_gradient_to_the_wrong_segment routing/source/segment_sources.hpp
  BEFORE [==[read ? d_u(v + 1, d) : Real(0)]==]
  AFTER [==[read ? d_u(v, d) : Real(0)]==]
  REASON "the gradient of a mean is shifted by one segment"
  TESTS routing/source/segment_sources)
mutant(gradient_crosses_sequences routing/source/segment_sources.hpp
  BEFORE [==[v + 1 < d_u.rows && opens_1V(0, v + 1) == 0]==]
  AFTER [==[v + 1 < d_u.rows]==]
  REASON "a sequence's last segment receives gradient from the next sequence"
  TESTS routing/source/segment_sources)
mutant(only_the_first_sequence_opens routing/steps/segment.hpp
  BEFORE [==[segments.opens_sequence[segment_of(batch.offsets[b])] = 1;]==]
  AFTER [==[segments.opens_sequence[segment_of(batch.offsets[b])] = b == 0 ? 1 : 0;]==]
  REASON "the first segment of a later sequence is routed by the previous sequence"
  TESTS routing/steps/segment)
mutant(decoding_never_leaves_the_first_segment routing/segment_routing.hpp
  BEFORE [==[if (closed) state.opens[b] = 0;]==]
  AFTER [==[if (closed) state.opens[b] = 1;]==]
  REASON "decoding routes every segment as the first of its sequence"
  TESTS layers/segment_moe)

mutant(closing_bracket_begins_the_next_window routing/segmenter/syntax_window.hpp
  BEFORE [==[if (state.closed) return true;]==]
  AFTER [==[if (token != nullptr && token[0] > 0) return true;]==]
  REASON "a window ends before its closing bracket"
  TESTS routing/segmenter/syntax_window)
mutant(decoding_forgets_the_syntax routing/segment_routing.hpp
  BEFORE [==[state.cutters = std::move(cutters);]==]
  AFTER [==[cutters.clear();]==]
  REASON "decoding treats every row as the first of its sequence"
  TESTS routing/segmenter/syntax_window)
mutant(appended_counts_keep_their_own_start core/plan.hpp
  BEFORE [==[offset = all[e] + pairs_before;]==]
  AFTER [==[offset = all[e];]==]
  REASON "offsets of the second level point to pairs of the first level"
  TESTS ops/route)
mutant(second_route_keeps_its_pair_numbers ops/route.hpp
  BEFORE [==[pairs_1N[next++] = pairs_before + pairs_b[i];]==]
  AFTER [==[pairs_1N[next++] = pairs_b[i];]==]
  REASON "a row sums the outputs of other rows"
  TESTS ops/route)

# ---- gradients -----------------------------------------------------------------------------------
mutant(wrong_sign_in_silu backend/cpu/isa/swiglu.inc
  BEFORE [==[multiply_add<Real>(a, one - sig, one)]==]
  AFTER [==[multiply_add<Real>(a, sig - one, one)]==]
  REASON "wrong sign in SiLU's derivative"
  TESTS backend/cpu/isa/kernels)
mutant(gate_gradient_without_inner_product backend/cpu/isa/swiglu.inc
  BEFORE [==[sum[p] = multiply_add<Real>(d, h, sum[p]);]==]
  AFTER [==[sum[p] = d * h;]==]
  REASON "a gate's gradient is only the last term of the inner product"
  TESTS experts/moe_ffn)
mutant(expert_gradient_without_gate backend/cpu/isa/swiglu.inc
  BEFORE [==[d_h = gates * d;]==]
  AFTER [==[d_h = d;]==]
  REASON "an expert's gradient is not scaled by its gate"
  TESTS experts/moe_ffn)
mutant(always_on_gate_without_derivative experts/shared_expert.hpp
  BEFORE [==[d_z_T1(t, 0) *= g_1T(0, t) * (1 - g_1T(0, t));]==]
  AFTER [==[d_z_T1(t, 0) *= g_1T(0, t);]==]
  REASON "the factor 1 - g of the sigmoid's derivative is missing"
  TESTS experts/shared_expert)
mutant(gate_gradient_without_bias experts/glu.hpp
  BEFORE [==[if (!gates_1N.empty())]==]
  AFTER [==[if (gates_1N.empty())]==]
  REASON "a gate's gradient omits the contribution of the last bias"
  TESTS experts/glu)
mutant(bias_gradient_without_gate ops/group_bias.hpp
  BEFORE [==[gated(n, f) = gates_1N(0, begin + n) * widened(d_y(n, f));]==]
  AFTER [==[gated(n, f) = gates_1N(0, n) * widened(d_y(n, f));]==]
  REASON "every group's bias gradient is weighted by the gates of the first rows"
  TESTS ops/group_bias experts/glu)
mutant(wrong_sign_in_gelu core/activation.hpp
  BEFORE [==[(density == 0 ? Real(0) : z * density)]==]
  AFTER [==[(density == 0 ? Real(0) : -z * density)]==]
  REASON "wrong sign in GELU's derivative"
  TESTS core/activation)
mutant(bias_gradient_overwrites ops/linear.hpp
  BEFORE [==[Backend::template add_column_sums<GradientValue, Value>(context, d_y_TO, gradient.bias.view());]==]
  AFTER [==[gradient.bias.fill_zero(), Backend::template add_column_sums<GradientValue, Value>(context, d_y_TO, gradient.bias.view());]==]
  REASON "the gradient of the second micro-batch overwrites the first"
  TESTS ops/linear)
mutant(bias_gradient_overwrites_row_by_row ops/linear.hpp
  BEFORE [==[Backend::add_column_sums(context, d_y_TO, gradient.bias.view());]==]
  AFTER [==[gradient.bias.fill_zero(), Backend::add_column_sums(context, d_y_TO, gradient.bias.view());]==]
  REASON "the same in the row-by-row products"
  TESTS ops/linear)
mutant(router_gradient_not_in_x routing/gating.hpp
  BEFORE [==[gate.add_backward_row_by_row(context, d_logits_RE, x_RD, gradient, d_x_RD);]==]
  AFTER [==[(void)x_RD;]==]
  REASON "x receives no gradient through the router"
  TESTS layers/token_moe)
mutant(mass_gradient_dropped ops/route.hpp
  BEFORE [==[if (d_mass_1T.empty()) return;]==]
  AFTER [==[if (d_mass_1T.rows < 2) return;]==]
  REASON "the gates receive no gradient through the normalizer Z"
  TESTS layers/hybrid_moe)

# ---- fusion --------------------------------------------------------------------------------------
mutant(fusion_weights_swapped fusion/fixed_fusion.hpp
  BEFORE [==[scale_T2(t, 0) = w_t;]==]
  AFTER [==[scale_T2(t, 0) = w_s;]==]
  REASON "0.7 and 0.3 exchanged"
  TESTS fusion/fixed_fusion)
mutant(mass_gradient_sign fusion/normalized_fusion.hpp
  BEFORE [==[-scale_T2(t, 1) * (]==]
  AFTER [==[scale_T2(t, 1) * (]==]
  REASON "wrong sign in the derivative of 1 / Z"
  TESTS fusion/normalized_fusion)

# ---- training ------------------------------------------------------------------------------------
mutant(products_of_the_first_rows backend/cpu/gemm.hpp
  BEFORE [==[a.cols_between(row, rows_end) : a.rows_between(row, rows_end);]==]
  AFTER [==[a.cols_between(row, rows_end) : a.rows_between(0, rows_end - row);]==]
  REASON "every row tile of a product of a list is computed from the first rows of a"
  TESTS backend/cpu/gemm)
mutant(products_always_add backend/cpu/gemm.hpp
  BEFORE [==[adds ? cpu::StoreMode::accumulate : cpu::StoreMode::overwrite]==]
  AFTER [==[cpu::StoreMode::accumulate]==]
  REASON "a product of a list is added to what its memory holds"
  TESTS backend/cpu/gemm)
mutant(a_sum_of_no_terms_keeps_its_result backend/cpu/gemm.hpp
  BEFORE [==[r < part.rows && !adds; ++r)]==]
  AFTER [==[r < part.rows && adds; ++r)]==]
  REASON "a product whose inner dimension is 0 is not 0"
  TESTS backend/cpu/gemm)
mutant(products_on_a_device_of_several_shapes_in_a_batch backend/cuda/independent_products.cuh
  BEFORE [==[if (!alike_.empty() && !alike_.front().has_shape_of(task)) flush();]==]
  AFTER [==[if (alike_.size() > 99) flush();]==]
  REASON "products of different shapes are one batch"
  TESTS backend/cuda/independent_products)
mutant(products_on_a_device_ignore_their_form backend/cuda/gemm.cuh
  BEFORE [==[products.template add<product>(operands);]==]
  AFTER [==[products.template add<Product::plain>(operands);]==]
  REASON "no operand of a product of a list is transposed"
  TESTS backend/cuda/independent_products)
mutant(sum_of_squares_adds_to_its_memory backend/cuda/elementwise.cuh
  BEFORE [==[if (team.rank() == 0) sum_11(0, 0) = sum;]==]
  AFTER [==[if (team.rank() == 0) sum_11(0, 0) += sum;]==]
  REASON "a sum of squares on a device starts at what its memory holds"
  TESTS backend/cuda/elementwise)
mutant(the_last_task_on_the_host_is_missing backend/cuda/elementwise.cuh
  BEFORE [==[context.workers->run(context.threads, count, f);]==]
  AFTER [==[context.workers->run(context.threads, count - 1, f);]==]
  REASON "with a GPU the last tile of drawn values is not drawn"
  TESTS backend/cuda/elementwise)
mutant(the_level_that_began_last_is_finished_last layers/two_passes.hpp
  BEFORE [==[    auto by_segment = segment.finish_forward(context, x_TD, std::move(segment_begun));
    auto by_token = token.finish_forward(context, x_TD, std::move(token_begun));]==]
  AFTER [==[    auto by_token = token.finish_forward(context, x_TD, std::move(token_begun));
    auto by_segment = segment.finish_forward(context, x_TD, std::move(segment_begun));]==]
  REASON "the host waits twice for a layer of two passes"
  TESTS backend/cuda/any_layer)
mutant(norm_of_one_tensor train/clip.hpp
  BEFORE [==[sums.view().cols_between(next, next + 1)]==]
  AFTER [==[sums.view().cols_between(0, 1)]==]
  REASON "the sum of every tensor overwrites that of the one before it"
  TESTS train/clip)
mutant(clip_stretches train/clip.hpp
  BEFORE [==[(std::min)(1.0, limit]==]
  AFTER [==[(std::max)(1.0, limit]==]
  REASON "small gradients are scaled up, large ones are not clipped"
  TESTS train/clip)
mutant(norm_without_root train/clip.hpp
  BEFORE [==[return std::sqrt(squares);]==]
  AFTER [==[return squares;]==]
  REASON "the squared norm instead of the norm"
  TESTS train/clip)
mutant(decay_on_vectors train/adamw.hpp
  BEFORE [==[Tensor::rank == 1 ? 1 : 1 - rate * decay]==]
  AFTER [==[1 - rate * decay]==]
  REASON "weight decay is applied to biases and norms"
  TESTS train/adamw)
mutant(no_bias_correction train/adamw.hpp
  BEFORE [==[static_cast<Real>(1 / std::sqrt(correction_2))]==]
  AFTER [==[static_cast<Real>(1 / std::sqrt(correction_2 / correction_2))]==]
  REASON "the bias correction of the second moment is missing"
  TESTS train/adamw)
mutant(what_beta_leaves_from_the_rounded_beta train/adamw.hpp
  BEFORE [==[.rest_2 = static_cast<Real>(1 - beta_2)]==]
  AFTER [==[.rest_2 = 1 - static_cast<Real>(beta_2)]==]
  REASON "1 - beta_2 is computed in float, where most digits of 1 - 0.99999 are rounding error"
  TESTS train/adamw)
mutant(second_moment_is_the_first backend/cpu/isa/adamw.inc
  BEFORE [==[store<Real>(v + at, v_1, count);]==]
  AFTER [==[store<Real>(v + at, m_1, count);]==]
  REASON "the second moment is a copy of the first"
  TESTS backend/cpu/optimizer train/adamw)
mutant(split_weights_lose_the_carry core/master_weights.hpp
  BEFORE [==[(std::uint32_t{upper.bits} - (lower >> 15)) << 16]==]
  AFTER [==[std::uint32_t{upper.bits} << 16]==]
  REASON "a weight that was rounded up is joined one bfloat16 step too large"
  TESTS core/master_weights)
mutant(rounded_to_the_nearest backend/cpu/isa/adamw.inc
  BEFORE [==[(random & 0xffffu & ~is_nan)]==]
  AFTER [==[(0x8000u & ~is_nan)]==]
  REASON "rounding to nearest instead of stochastic rounding loses steps too small for bfloat16"
  TESTS backend/cpu/isa/kernels train/adamw_state)
mutant(rounding_turns_nan_into_zero backend/cpu/isa/adamw.inc
  BEFORE [==[(random & 0xffffu & ~is_nan)]==]
  AFTER [==[(random & 0xffffu)]==]
  REASON "the sum with the random bits carries over the sign of a NaN"
  TESTS backend/cpu/isa/kernels)
mutant(random_words_of_the_next_four backend/cpu/isa/adamw.inc
  BEFORE [==[blocks / 2 * (l % 2) + l / 2)]==]
  AFTER [==[blocks / 2 * (l % 2) + l / 2 + 1)]==]
  REASON "vectors of weights are rounded by other random numbers than single weights"
  TESTS backend/cpu/isa/kernels)
mutant(every_piece_draws_the_first_numbers backend/cuda/adamw.cuh
  BEFORE [==[const Index position = first + i;]==]
  AFTER [==[const Index position = i;]==]
  REASON "every piece of a tensor is rounded by the random numbers of the first one"
  TESTS backend/cuda/optimizer)
mutant(every_piece_on_the_cpu_draws_the_first_numbers backend/cpu/optimizer.hpp
  BEFORE [==[step(end - at, pace, key, first + at,]==]
  AFTER [==[step(end - at, pace, key, at,]==]
  REASON "every piece of a tensor is rounded by the random numbers of the first one"
  TESTS backend/cpu/optimizer)
mutant(sums_depend_on_the_vector_width backend/cpu/isa/product.inc
  BEFORE [==[inline constexpr Index dot_parts = 64 / vector_bytes;]==]
  AFTER [==[inline constexpr Index dot_parts = 1;]==]
  REASON "AVX2 and AVX-512 add a few rows' products in different orders"
  TESTS backend/cpu/isa/kernels)
mutant(odd_groups_overlap backend/cpu/tile_gemm.hpp
  BEFORE [==[kernels_.words(rows) + groups;]==]
  AFTER [==[kernels_.words(rows);]==]
  REASON "the last pair of a group with an odd number of bfloat16 rows is overwritten by the next group"
  TESTS backend/cpu/isa/narrow)
mutant(pair_without_a_second_value backend/cpu/isa/pairs.inc
  BEFORE [==[to[(count - 1) / 2] = 0;]==]
  AFTER [==[to[(count - 1) / 2] = 1;]==]
  REASON "the missing second value of the last pair is not 0"
  TESTS backend/cpu/isa/narrow)
mutant(rounded_toward_zero backend/cpu/isa/narrow.inc
  BEFORE [==[whole + 0x7fffu + ((whole >> 16) & 1u)]==]
  AFTER [==[whole]==]
  REASON "values are rounded toward zero when they are stored in bfloat16"
  TESTS backend/cpu/isa/narrow)
mutant(packed_for_another_instruction_set backend/cpu/packed_weights.hpp
  BEFORE [==[packed.set == set]==]
  AFTER [==[packed.set == packed.set]==]
  REASON "panels of another width are multiplied"
  TESTS backend/cpu/isa/instruction_set)
mutant(first_group_of_8_bit_weights backend/cpu/tile_gemm.hpp
  BEFORE [==[unit = right.packed.int8 != nullptr ? Int8Groups::size : kernels_.values_per_word;]==]
  AFTER [==[unit = kernels_.values_per_word;]==]
  REASON "the second part of a long sum begins within a group of 8-bit weights, whose scale it then lacks"
  TESTS train/pack_weights)
mutant(scale_rounded_down backend/cpu/isa/int8.inc
  BEFORE [==[(bits_of(exact) + 0xffffu)]==]
  AFTER [==[bits_of(exact)]==]
  REASON "the largest weight of a group exceeds 127 times its scale and changes its sign"
  TESTS backend/cpu/isa/int8)
mutant(not_finite_in_8_bits backend/cpu/packed_weights.hpp
  BEFORE [==[reinterpret_cast<std::int8_t*>(bytes))) is_finite = false;]==]
  AFTER [==[reinterpret_cast<std::int8_t*>(bytes))) is_finite = true;]==]
  REASON "a NaN becomes a number"
  TESTS train/pack_weights)
mutant(second_panel_of_a_pair backend/cpu/isa/product.inc
  BEFORE [==[right + p * panel_values]==]
  AFTER [==[right]==]
  REASON "both panels of a pair are the first one"
  TESTS train/pack_weights)
mutant(backward_of_a_weight_in_a_file backend/cpu/grouped.hpp
  BEFORE [==[context.packed->rows_of(weights[g]) == nullptr]==]
  AFTER [==[true]==]
  REASON "a backward reads addresses that allow no access"
  TESTS safetensors/weights_in_file)
mutant(first_rows_of_a_weight_in_a_file backend/cpu/tile_gemm.hpp
  BEFORE [==[right.packed.rows + col * right.b.cols]==]
  AFTER [==[right.packed.rows]==]
  REASON "a task multiplies a few rows by the first rows of the weight"
  TESTS safetensors/weights_in_file)
mutant(first_panel_of_a_weight_in_a_file backend/cpu/tile_gemm.hpp
  BEFORE [==[right.packed.rows + col * depth + summed.begin]==]
  AFTER [==[right.packed.rows + summed.begin]==]
  REASON "a task multiplies many rows by the first panel of the weight"
  TESTS safetensors/weights_in_file)
mutant(part_of_a_stored_tensor weights_in_file.hpp
  BEFORE [==[files_->position_of(name) + first * width]==]
  AFTER [==[files_->position_of(name)]==]
  REASON "an expert of a fused tensor has the weights of the first one"
  TESTS safetensors/weights_in_file)
mutant(router_in_a_file_from_memory backend/cpu/gemm.hpp
  BEFORE [==[context.packed ? context.packed->rows_of(w_ED) : nullptr]==]
  AFTER [==[nullptr]==]
  REASON "a router's product reads addresses that allow no access"
  TESTS safetensors/weights_in_file)
mutant(the_same_chance_every_step train/adamw_state.hpp
  BEFORE [==[.step = static_cast<std::uint32_t>(step)]==]
  AFTER [==[.step = 0]==]
  REASON "stochastic rounding of a weight uses the same random numbers in every step"
  TESTS train/adamw_state)
mutant(offloaded_state_is_stepped_before_it_came train/state_place.hpp
  BEFORE [==[slot.lane.before_work();]==]
  AFTER [==[static_cast<void>(size);]==]
  REASON "a step does not wait for the copy of its optimizer state to the device"
  TESTS backend/cuda/state_place)
mutant(offloaded_state_goes_before_it_was_stepped train/state_place.hpp
  BEFORE [==[slot.lane.after_work();]==]
  AFTER [==[static_cast<void>(size);]==]
  REASON "the copy of optimizer state to the host does not wait for the step"
  TESTS backend/cuda/state_place)
mutant(offloaded_state_goes_by_another_lane train/state_place.hpp
  BEFORE [==[slot.lane.copy_out(]==]
  AFTER [==[slots_[0]->lane.copy_out(]==]
  REASON "a slot is filled again before the copy of its optimizer state to the host has ended"
  TESTS backend/cuda/state_place)
mutant(offloaded_state_has_a_slot_by_what_trains train/state_place.hpp
  BEFORE [==[Slot& slot = *slots_[static_cast<std::size_t>(pieces++) % slots_.size()];
        if (!trains) continue;]==]
  AFTER [==[if (!trains) continue;
        Slot& slot = *slots_[static_cast<std::size_t>(pieces++) % slots_.size()];]==]
  REASON "optimizer state comes by one lane before the copy of the last step has ended on another one"
  TESTS backend/cuda/state_place)
mutant(offloaded_state_is_read_before_it_came_back train/state_place.hpp
  BEFORE [==[wait();
      if (count > 0) std::memcpy(to, from.data()]==]
  AFTER [==[if (count > 0) std::memcpy(to, from.data()]==]
  REASON "a checkpoint has the optimizer state before its copies from the device have ended"
  TESTS backend/cuda/state_place)
mutant(offloaded_state_has_slots_of_whole_pieces train/state_place.hpp
  BEFORE [==[return (std::min)(piece, (largest + 63) / 64 * 64);]==]
  AFTER [==[return piece;]==]
  REASON "the slots of a small model take 252 MB of a device that the plan does not count"
  TESTS backend/cuda/state_place)
mutant(offloaded_state_begins_with_arbitrary_values train/adamw_state.hpp
  BEFORE [==[for_each_piece<false>(]==]
  AFTER [==[for_each_piece<true>(]==]
  REASON "the first moments are what pinned memory held before"
  TESTS backend/cuda/state_place)
mutant(offloaded_state_of_every_stream train/state_place.hpp
  BEFORE [==[require(!slots_[0] || slots_[0]->lane.is_beside(context)]==]
  AFTER [==[require(true || slots_[0]->lane.is_beside(context)]==]
  REASON "work on another stream is not ordered with the copies of its optimizer state"
  TESTS backend/cuda/state_place)
mutant(snapshot_does_not_wait_for_the_work train/snapshot.hpp
  BEFORE [==[lane_.after_work();]==]
  AFTER [==[require(true, "", "");]==]
  REASON "a snapshot has the weights before the step that was enqueued last"
  TESTS backend/cuda/snapshot)
mutant(snapshot_does_not_hold_the_work train/snapshot.hpp
  BEFORE [==[void before_work() { lane_.before_work(); }]==]
  AFTER [==[void before_work() {}]==]
  REASON "the next step changes weights that are not yet copied"
  TESTS backend/cuda/snapshot)
mutant(snapshot_is_read_before_its_copies_ended train/snapshot.hpp
  BEFORE [==[lane_.wait();]==]
  AFTER [==[require(true, "", "");]==]
  REASON "the writer reads a snapshot while it is copied"
  TESTS backend/cuda/snapshot)
mutant(snapshot_overwrites_what_is_read train/snapshot.hpp
  BEFORE [==[require(!memory_->is_read,]==]
  AFTER [==[require(true,]==]
  REASON "the next snapshot changes the values that a writer reads"
  TESTS backend/cuda/snapshot)
mutant(snapshot_on_the_host_copies_nothing train/snapshot.hpp
  BEFORE [==[{ std::memcpy(to, from, bytes); }]==]
  AFTER [==[{ std::memcpy(to, from, 0 * bytes); }]==]
  REASON "a checkpoint that is written beside training on the CPU has arbitrary values"
  TESTS train/snapshot)
mutant(snapshot_on_the_host_overwrites_what_is_read train/snapshot.hpp
  BEFORE [==[    memory_->is_read = true;]==]
  AFTER [==[    memory_->is_read = !Backend::is_host;]==]
  REASON "the memory is used again while the writer of a checkpoint reads it"
  TESTS train/snapshot)
mutant(cosine_over_all_steps train/schedule.hpp
  BEFORE [==[/ static_cast<double>(total - warm_up);]==]
  AFTER [==[/ static_cast<double>(total);]==]
  REASON "the warm-up steps are not subtracted from the cosine's length"
  TESTS train/schedule)
mutant(initial_values_without_name train/initialize.hpp
  BEFORE [==[{seed, 0, name_hash(name)}]==]
  AFTER [==[{seed, 0, 0 * name_hash(name)}]==]
  REASON "every weight starts with the same values"
  TESTS train/initialize)

# ---- parallel execution --------------------------------------------------------------------------
mutant(exception_lost core/workers.hpp
  BEFORE [==[if (!failure_) failure_ = std::current_exception();]==]
  AFTER [==[static_cast<void>(failure_);]==]
  REASON "an exception that a task throws is lost"
  TESTS backend/cpu/parallel)
mutant(last_tile_cut_off backend/cpu/parallel.hpp
  BEFORE [==[(count + tile - 1) / tile]==]
  AFTER [==[count / tile]==]
  REASON "the last, incomplete tile is skipped"
  TESTS backend/cpu/parallel)

# ---- components of the paper and of related work -------------------------------------------------
mutant(segment_experts_come_first layers/fused_routing.hpp
  BEFORE [==[concatenated<Backend>(context, std::move(a.plan), std::move(b.plan))]==]
  AFTER [==[concatenated<Backend>(context, std::move(b.plan), std::move(a.plan))]==]
  REASON "the segment level's pairs come before the token level's"
  TESTS layers/fused_routing)
mutant(sequences_below_none core/layer_entries.hpp
  BEFORE [==[require(sequences >= 0, where,]==]
  AFTER [==[require(sequences >= -1, where,]==]
  REASON "decoding accepts a negative number of sequences"
  TESTS layers/misuse)
mutant(prefill_forgets_the_state core/layer_entries.hpp
  BEFORE [==[layer().require_state(where, state, batch.count(), "the batch has", "sequences");]==]
  AFTER [==[static_cast<void>(state);]==]
  REASON "prefill accepts a state of another number of sequences"
  TESTS layers/lora_ffn)
mutant(window_ends_before_its_minimum routing/segmenter/boundary_window.hpp
  BEFORE [==[length >= minimum]==]
  AFTER [==[length + 1 >= minimum]==]
  REASON "a window is one row shorter than its minimum"
  TESTS routing/segmenter/boundary_window)
mutant(empty_windows_are_taken routing/segmenter/window_bounds.hpp
  BEFORE [==[minimum >= 1 && maximum >= 1]==]
  AFTER [==[minimum >= 0 && maximum >= 1]==]
  REASON "a window of 0 rows is accepted"
  TESTS core/settings)
mutant(max_pool_takes_the_last_row routing/pooling/max_pool.hpp
  BEFORE [==[Value& d_x = d_x_TD(row_VD(v, d), d);]==]
  AFTER [==[Value& d_x = d_x_TD(row_VD(v, 0), d);]==]
  REASON "every channel's gradient goes to the first channel's row"
  TESTS routing/pooling/max_pool)
mutant(cap_off_by_one routing/router/capped_expert_choice.hpp
  BEFORE [==[        if (takers_1R(0, r) >= most)
          chosen_R1(r, 0) = 0;]==]
  AFTER [==[        if (takers_1R(0, r) > most)
          chosen_R1(r, 0) = 0;]==]
  REASON "a row gets one expert more than the cap"
  TESTS routing/router/capped_expert_choice)
mutant(capacity_factor_rounds_down routing/capacity/capacity_factor.hpp
  BEFORE [==[RoundShare::up]==]
  AFTER [==[RoundShare::down]==]
  REASON "floor instead of ceil"
  TESTS routing/capacity/capacity_factor)
mutant(drops_first_choices_first backend/cpu/routing.hpp
  BEFORE [==[for (ChoiceOrder rank = 1; rank <= last; ++rank)]==]
  AFTER [==[for (ChoiceOrder rank = last; rank >= 1; --rank)]==]
  REASON "second choices fill the capacity before first choices"
  TESTS routing/steps/drop)
mutant(balance_forgets_the_dropped routing/token_routing.hpp
  BEFORE [==[all[e] += dropped[e];]==]
  AFTER [==[all[e] += 0 * dropped[e];]==]
  REASON "the balance loss counts only the kept pairs"
  TESTS layers/token_moe)
mutant(replay_works_on_what_was_dropped core/routing_replay.hpp
  BEFORE [==[        ++into.dropped[e];
        into.has_dropped = true;]==]
  AFTER [==[        ++into.dropped[e];
        into.kept[at] = rank;]==]
  REASON "a replayed pass processes the pairs that the capacity dropped"
  TESTS core/routing_replay layers/replay)
mutant(replayed_segment_goes_on_unasked routing/steps/replay.hpp
  BEFORE [==[require((begun[i] != 0) == (recorded[i] != 0),]==]
  AFTER [==[require(begun[i] != 0 || recorded[i] == 0 || e >= 0,]==]
  REASON "a segment that began with other experts is decoded to its end, and the record is ignored"
  TESTS layers/replay)
mutant(recorded_twice_when_run_again core/routing_recorder.hpp
  BEFORE [==[level.truncate(read_[sequence]);]==]
  AFTER [==[level.truncate(level.rows());]==]
  REASON "a recomputed pass is recorded a second time"
  TESTS core/routing_recorder)
mutant(z_loss_without_its_two routing/steps/z_loss.hpp
  BEFORE [==[static_cast<Real>(2 * d_loss]==]
  AFTER [==[static_cast<Real>(d_loss]==]
  REASON "the factor 2 of the square's derivative is missing"
  TESTS routing/steps/z_loss)
mutant(one_pass_scales_both_levels_alike ops/route.hpp
  BEFORE [==[b_1N[m] * scale_T2(rows_b[m], 1);]==]
  AFTER [==[b_1N[m] * scale_T2(rows_b[m], 0);]==]
  REASON "the segment level's gates get the token level's weight"
  TESTS layers/hybrid_moe)
mutant(channel_fusion_weight_gradient_missing fusion/channel_fusion.hpp
  BEFORE [==[if (!d_w_D.empty()) add_scale_columns_backward]==]
  AFTER [==[if (d_w_D.size() < 0) add_scale_columns_backward]==]
  REASON "the learned weights receive no gradient"
  TESTS fusion/channel_fusion)
mutant(noise_reaches_the_shared_expert train/upcycle.hpp
  BEFORE [==[if (e == shared)]==]
  AFTER [==[if (e == shared + 1)]==]
  REASON "the frozen expert is not a copy of the dense FFN"
  TESTS train/upcycle)

# ---- checks of arguments -------------------------------------------------------------------------
mutant(trees_of_other_counts_are_walked core/trees.hpp
  BEFORE [==[((agree = agree && others == first), ...);]==]
  AFTER [==[((agree = agree && others >= first), ...);]==]
  REASON "a tree with more parameters is accepted"
  TESTS core/trees)
mutant(as_many_values_pass_for_the_same_shape core/trees.hpp
  BEFORE [==[(parts.rows() == weight.rows() && parts.cols() == weight.cols())]==]
  AFTER [==[parts.size() == weight.size()]==]
  REASON "a transposed gradient is accepted"
  TESTS core/trees)
mutant(second_moment_is_not_asked_for train/adamw_state.hpp
  BEFORE [==[SameShape{}(weight, kept.m, kept.v)]==]
  AFTER [==[SameShape{}(weight, kept.m)]==]
  REASON "a weight that has a gradient but only one moment is updated"
  TESTS layers/wrong_trees)
mutant(training_router_is_not_asked routing/gating.hpp
  BEFORE [==[require_settings(FormsOf<R>::train(router), gate.out());]==]
  AFTER [==[require_settings(FormsOf<R>::infer(router), gate.out());]==]
  REASON "settings that only training uses are not checked"
  TESTS core/settings)
mutant(sequences_that_are_not_there_are_kept routing/segment_state.hpp
  BEFORE [==[require(b >= 0 && b < std::ssize(length),]==]
  AFTER [==[require(b >= 0 && b <= std::ssize(length),]==]
  REASON "the sequence after the last one is read"
  TESTS layers/any_arguments)

# ---- messages and observers ----------------------------------------------------------------------
mutant(one_reads_as_many core/counted.hpp
  BEFORE [==[if (counted.count == 1)]==]
  AFTER [==[if (counted.count == 0)]==]
  REASON "a message reads 1 rows"
  TESTS core/counted)
mutant(phases_begin_twice core/phase.hpp
  BEFORE [==[listener_(phase_, PhaseEdge::end)]==]
  AFTER [==[listener_(phase_, PhaseEdge::begin)]==]
  REASON "a profiler's range is never closed"
  TESTS layers/phases)

# ---- architectures by name -----------------------------------------------------------------------
mutant(gates_are_never_normalized_by_name runtime/architectures.hpp
  BEFORE [==[c.normalized_gates ? beside_shared<SoftmaxOverChosen>(c)]==]
  AFTER [==[c.normalized_gates ? beside_shared<SoftmaxOverAll>(c)]==]
  REASON "norm_topk_prob is read but has no effect"
  TESTS runtime/registry)
mutant(a_shared_expert_of_no_width runtime/architectures.hpp
  BEFORE [==[if (c.shared_hidden == 0)]==]
  AFTER [==[if (c.shared_hidden < 0)]==]
  REASON "a layer without a shared expert gets one of width 0, with a gate"
  TESTS runtime/registry)

mutant(a_former_name_means_the_first runtime/names.hpp
  BEFORE [==[if (former == name) return at(current);]==]
  AFTER [==[if (former == name) return entries_.front().second;]==]
  REASON "the spelling of an older version selects another layer"
  TESTS runtime/registry)

# ---- messages and threads ------------------------------------------------------------------------
mutant(a_message_without_its_place core/require.hpp
  BEFORE [==[text << '[' << where << "] ";]==]
  AFTER [==[text << "[] ";]==]
  REASON "the error does not name the function"
  TESTS core/matrix layers/misuse)
mutant(one_task_is_left_to_helpers core/workers.hpp
  BEFORE [==[for (Index i = 0; i < job.count; ++i) job.call(job.task, i, 0);]==]
  AFTER [==[for (Index i = 1; i < job.count; ++i) job.call(job.task, i, 0);]==]
  REASON "the first task of a job on one thread is skipped"
  TESTS backend/cpu/parallel)
mutant(a_helper_more_than_threads core/workers.hpp
  BEFORE [==[std::min<Index>(threads, job.count) - 1]==]
  AFTER [==[std::min<Index>(threads, job.count)]==]
  REASON "a worker number is not below the number of threads"
  TESTS backend/cpu/parallel)

# ---- layers that save and load -------------------------------------------------------------------
mutant(buffers_are_rounded safetensors/save.hpp
  BEFORE [==[const bool keeps = is_buffer ||]==]
  AFTER [==[const bool keeps = (is_buffer && options.dtype == StoredDtype::same) ||]==]
  REASON "a router's biases are stored in the dtype of the weights"
  TESTS safetensors/save)
mutant(a_failed_save_leaves_its_folder safetensors/save.hpp
  BEFORE [==[    remove_quietly(made);
    // The hidden folder is not known to the caller.]==]
  AFTER [==[    // The hidden folder is not known to the caller.]==]
  REASON "a save that the disk interrupts leaves its unfinished files"
  TESTS safetensors/save)
mutant(other_files_are_removed safetensors/save.hpp
  BEFORE [==[if (is_part_of(stem, shard)) left.insert(shard);]==]
  AFTER [==[left.insert(shard);]==]
  REASON "an old index makes a save remove files of another name"
  TESTS safetensors/save)
mutant(shapes_are_not_compared safetensors/load.hpp
  BEFORE [==[if (entry.shape != tensor.shape)]==]
  AFTER [==[if (entry.count() < 0)]==]
  REASON "a transposed weight is loaded"
  TESTS safetensors/load)
mutant(ranges_are_not_checked_first safetensors/load.hpp
  BEFORE [==[if (tensor.is_float && !tensor.is_elsewhere) files.require_range(tensor.name, tensor.dtype);]==]
  AFTER [==[static_cast<void>(tensor);]==]
  REASON "a value that is too large is found after other weights were written"
  TESTS safetensors/load)
mutant(a_double_is_rounded_twice safetensors/dtype.hpp
  BEFORE [==[return odd_float_of(value);]==]
  AFTER [==[return static_cast<float>(value);]==]
  REASON "a double near a tie of float16 or bfloat16 is rounded to the wrong side"
  TESTS safetensors/dtype)

# ---- the program ---------------------------------------------------------------------------------
mutant(window_one_too_wide multipl_moe/model/tiled_attention.hpp
  BEFORE [==[i + r + 1 - shape_.window - j)]==]
  AFTER [==[i + r - shape_.window - j)]==]
  REASON "a token attends to itself and to window tokens before it"
  TESTS multipl_moe/model/tiled_attention)
mutant(window_begins_a_tile_late multipl_moe/model/tiled_attention.hpp
  BEFORE [==[(0, i - shape_.window + 1) / tile * tile]==]
  AFTER [==[(0, i - shape_.window + tile) / tile * tile]==]
  REASON "the tile in which a window begins is skipped"
  TESTS multipl_moe/model/tiled_attention)
mutant(a_row_without_keys_is_scaled multipl_moe/model/tiled_attention.hpp
  BEFORE [==[if (higher == -std::numeric_limits<Real>::infinity())]==]
  AFTER [==[if (higher == std::numeric_limits<Real>::infinity())]==]
  REASON "infinity minus infinity where a row's window begins in a later tile"
  TESTS multipl_moe/model/tiled_attention)
mutant(gradients_of_keys_lose_all_heads_but_the_last multipl_moe/model/tiled_attention.hpp
  BEFORE [==[is_first = h == kv * group && i == j;]==]
  AFTER [==[is_first = i == j;]==]
  REASON "the gradients of keys and values are overwritten by each query head of a group"
  TESTS multipl_moe/model/tiled_attention)
mutant(gradients_of_queries_begin_at_the_text multipl_moe/model/tiled_attention.hpp
  BEFORE [==[(j == first_tile(i), context, d_s, k, d_q)]==]
  AFTER [==[(j == 0, context, d_s, k, d_q)]==]
  REASON "with a window, the gradients of queries are added to memory that nothing has written"
  TESTS multipl_moe/model/tiled_attention)
mutant(narrow_norm_weight_without_scale multipl_moe/model/rows_host.hpp
  BEFORE [==[d_w(t, d) = d_y[d] * x[d] * s;]==]
  AFTER [==[d_w(t, d) = d_y[d] * x[d];]==]
  REASON "in bfloat16 the gradient of a norm's weight is that of rows that are not normalized"
  TESTS multipl_moe/model/bfloat16_operations)
mutant(rounded_tile_with_another_stride multipl_moe/model/tiled_attention.hpp
  BEFORE [==[narrow(cols, t.values + r * tile, rounded.values + r * tile);]==]
  AFTER [==[narrow(cols, t.values + r * tile, rounded.values + r * cols);]==]
  REASON "probabilities of bfloat16 attention are read at the wrong place in tiles that are not full"
  TESTS multipl_moe/model/bfloat16_operations)
mutant(row_sum_of_bfloat16_without_the_row multipl_moe/model/rows_host.hpp
  BEFORE [==[rows.widen(to.cols, to.row(r).data, sum);]==]
  AFTER [==[rows.widen(to.cols, from.row(r).data, sum);]==]
  REASON "the residual stream of a bfloat16 model is replaced instead of added to"
  TESTS multipl_moe/model/bfloat16_operations)
mutant(key_tiles_forget_their_last_queries multipl_moe/model/score_rows.hpp
  BEFORE [==[first(key + tile + window - 2)]==]
  AFTER [==[first(key + window - 2)]==]
  REASON "with a window, the gradients of a tile of keys miss its last queries"
  TESTS multipl_moe/model/block_attention)
mutant(window_of_a_block_begins_a_tile_late multipl_moe/model/score_rows.hpp
  BEFORE [==[(first - window + 1) / tile * tile]==]
  AFTER [==[(first - window + tile) / tile * tile]==]
  REASON "the tile in which a window begins is skipped"
  TESTS multipl_moe/model/block_attention)
mutant(query_attends_to_the_next_key multipl_moe/model/score_rows.hpp
  BEFORE [==[key <= query;]==]
  AFTER [==[key <= query + 1;]==]
  REASON "attention in blocks is not causal"
  TESTS multipl_moe/model/block_attention)
mutant(score_gradient_without_the_inner_product multipl_moe/model/score_rows.hpp
  BEFORE [==[scale * p[i] * (d[i] - inner)]==]
  AFTER [==[scale * p[i] * d[i]]==]
  REASON "the gradient of softmax without the term of its normalization"
  TESTS multipl_moe/model/block_attention)
mutant(heads_of_a_chunk_overlap multipl_moe/model/block_attention.hpp
  BEFORE [==[kv < shape_.kv_heads; kv += step)]==]
  AFTER [==[kv + step <= shape_.kv_heads; kv += step)]==]
  REASON "the last heads are left out where their number is no multiple of a chunk's"
  TESTS multipl_moe/model/block_attention)
mutant(rows_of_a_token_in_any_order multipl_moe/model/rows_device.hpp
  BEFORE [==[for (moe::Index i = begin_1U(0, u); i < begin_1U(0, u + 1); ++i)]==]
  AFTER [==[for (moe::Index i = begin_1U(0, u + 1) - 1; i >= begin_1U(0, u); --i)]==]
  REASON "the embedding's gradient is summed in another order than on the CPU"
  TESTS multipl_moe/model/rows_device)
mutant(equal_logits_of_two_pieces multipl_moe/model/rows_device.hpp
  BEFORE [==[(b.value == a.value && b.at < a.at)]==]
  AFTER [==[(b.value == a.value && b.at > a.at)]==]
  REASON "of equal logits the highest token is the most probable"
  TESTS multipl_moe/model/rows_device)
mutant(piece_without_probability multipl_moe/model/rows_device.hpp
  BEFORE [==[return best == moe::below_all<Real> ? Real(0) : best;]==]
  AFTER [==[return best;]==]
  REASON "a part of a row of logits that is all minus infinity makes the loss not a number"
  TESTS multipl_moe/model/rows_device)
mutant(pieces_of_a_cache_are_not_rescaled multipl_moe/model/rows_device.hpp
  BEFORE [==[const Real fade = std::exp(totals_M2(first + p, 0) - best);]==]
  AFTER [==[const Real fade = 1;]==]
  REASON "sums over parts of a cache are added although each has its own largest score"
  TESTS multipl_moe/model/rows_device)
mutant(norm_weight_gradient_begins_at_zero multipl_moe/model/rows_device.hpp
  BEFORE [==[Real sum = d_w_1D(0, d);]==]
  AFTER [==[Real sum = 0;]==]
  REASON "gradients of a norm's weight are not accumulated over micro-batches"
  TESTS multipl_moe/model/rows_device)
mutant(half_a_head_is_turned multipl_moe/model/rows_device.hpp
  BEFORE [==[const moe::Index first = vector / vectors * 2 * half,]==]
  AFTER [==[const moe::Index first = vector / vectors * half,]==]
  REASON "the device turns channels of the first heads several times, and those of the last ones never"
  TESTS multipl_moe/model/rows_device)
mutant(rows_of_a_list_are_the_first_rows multipl_moe/model/rows_device.hpp
  BEFORE [==[return row_1T(0, t);]==]
  AFTER [==[return t;]==]
  REASON "the device takes the first rows of the embedding instead of the tokens'"
  TESTS multipl_moe/model/rows_device)
mutant(last_vector_is_left_out backend/cuda/vector_access.cuh
  BEFORE [==[return (count + width - 1) / width;]==]
  AFTER [==[return count / width;]==]
  REASON "the last values of a row are not copied unless they fill a vector"
  TESTS backend/cuda/vector_access multipl_moe/model/rows_device)
mutant(rotary_table_never_grows multipl_moe/model/rotary.hpp
  BEFORE [==[!kept_->table_PC || kept_->table_PC->rows() < count]==]
  AFTER [==[!kept_->table_PC]==]
  REASON "a longer text is rotated by rows behind the end of the kept table"
  TESTS multipl_moe/model/kept_rotary_table)
mutant(rotary_table_is_made_in_every_pass multipl_moe/model/rotary.hpp
  BEFORE [==[kept_->table_PC->rows() < count]==]
  AFTER [==[kept_->table_PC->rows() >= count]==]
  REASON "the kept table is made and uploaded again in every pass"
  TESTS multipl_moe/model/kept_rotary_table)
mutant(unrounded_projection_without_bias ops/linear.hpp
  BEFORE [==[y(t, o) += widened(b(0, o));]==]
  AFTER [==[y(t, o) += 0 * widened(b(0, o));]==]
  REASON "a projection that is not rounded forgets its bias"
  TESTS multipl_moe/model/bfloat16_operations)
mutant(gradient_of_any_layer runtime/any_layer.hpp
  BEFORE [==[gradient.layer_ != nullptr && *own.gradient_type == *gradient.layer_->type]==]
  AFTER [==[gradient.layer_ != nullptr]==]
  REASON "the gradient of another layer is written as if it were the layer's own"
  TESTS runtime/any_layer runtime/any_layer_bfloat16)
mutant(first_later_token_stays multipl_moe/eval/later_tokens.hpp
  BEFORE [==[for (std::int64_t t = begin; t < end; ++t)]==]
  AFTER [==[for (std::int64_t t = begin + 1; t < end; ++t)]==]
  REASON "a model that looks one token ahead passes the check"
  TESTS multipl_moe/eval/later_tokens)
mutant(a_token_is_replaced_by_itself multipl_moe/eval/later_tokens.hpp
  BEFORE [==[% (vocabulary - 1)) % vocabulary)]==]
  AFTER [==[% vocabulary) % vocabulary)]==]
  REASON "some of the later tokens stay"
  TESTS multipl_moe/eval/later_tokens)
mutant(no_cut_after_a_border multipl_moe/eval/later_tokens.hpp
  BEFORE [==[window, window + 1, window + window / 2]==]
  AFTER [==[window, window + window / 2]==]
  REASON "a segment of which one token is known is not tested"
  TESTS multipl_moe/eval/later_tokens)
mutant(a_number_for_none_is_no_change multipl_moe/eval/later_tokens.hpp
  BEFORE [==[? INFINITY]==]
  AFTER [==[? 0]==]
  REASON "a prediction that becomes NaN counts as equal"
  TESTS multipl_moe/eval/later_tokens)
mutant(probe_scores_the_training_text multipl_moe/probe/random_text.hpp
  BEFORE [==[static_cast<std::uint32_t>(use) << 24 | number]==]
  AFTER [==[number]==]
  REASON "a model that knows its training text by heart seems to leak"
  TESTS multipl_moe/probe/random_text)
mutant(the_last_letter_never_occurs multipl_moe/probe/random_text.hpp
  BEFORE [==[draws.below(alphabet.letters.size())]==]
  AFTER [==[draws.below(alphabet.letters.size() - 1)]==]
  REASON "letters have less entropy than the bound assumes"
  TESTS multipl_moe/probe/random_text)
mutant(missed_letters_are_no_evidence multipl_moe/probe/leak_bounds.hpp
  BEFORE [==[(share * std::log2(share / most) + missed)]==]
  AFTER [==[(share * std::log2(share / most))]==]
  REASON "the surprise is above that of the binomial distribution, so that a causal model can seem to leak"
  TESTS multipl_moe/probe/leak_bounds)
mutant(the_better_measure_is_free multipl_moe/probe/leak_bounds.hpp
  BEFORE [==[surprise_of_hits(scores)) - 1)]==]
  AFTER [==[surprise_of_hits(scores)))]==]
  REASON "the better of two tests counts as if it were the only one"
  TESTS multipl_moe/probe/leak_bounds)
mutant(a_segment_expert_is_a_token_expert multipl_moe/probe/expert_outputs.hpp
  BEFORE [==[place.kind = ExpertKind::segment;]==]
  AFTER [==[place.kind = ExpertKind::token;]==]
  REASON "removing all token experts removes those of segments, too"
  TESTS multipl_moe/probe/expert_outputs)
mutant(a_longer_name_is_an_output multipl_moe/probe/expert_outputs.hpp
  BEFORE [==[!skip("down_proj.weight") || !name.empty()]==]
  AFTER [==[!skip("down_proj.weight")]==]
  REASON "a gradient or a moment is taken for the weight"
  TESTS multipl_moe/probe/expert_outputs)
mutant(equal_values_have_different_ranks multipl_moe/statistics/rank_correlation.hpp
  BEFORE [==[static_cast<double>(begin + 1 + end) / 2]==]
  AFTER [==[static_cast<double>(place + 1)]==]
  REASON "experts without rows are ordered by chance"
  TESTS multipl_moe/statistics/rank_correlation)
mutant(pass_at_k_with_replacement multipl_moe/benchmark/pass_at_k.hpp
  BEFORE [==[for (std::int64_t i = n - c + 1; i <= n; ++i)]==]
  AFTER [==[for (std::int64_t i = n - c; i < n; ++i)]==]
  REASON "pass@k is that of another number of samples"
  TESTS multipl_moe/benchmark/pass_at_k)
mutant(more_draws_than_samples multipl_moe/benchmark/pass_at_k.hpp
  BEFORE [==[k < 1 || k > n)]==]
  AFTER [==[k < 1)]==]
  REASON "pass@100 of 20 samples is a number instead of an error"
  TESTS multipl_moe/benchmark/pass_at_k)
mutant(two_problems_share_a_file multipl_moe/benchmark/file_names.hpp
  BEFORE [==[file != name && !taken.insert(file).second]==]
  AFTER [==[file != name && taken.insert(file).second && false]==]
  REASON "names that differ in a slash alone get one file, and one problem is lost"
  TESTS multipl_moe/benchmark/file_names)
mutant(a_plain_name_loses_its_file multipl_moe/benchmark/file_names.hpp
  BEFORE [==[if (plain_file_name(name) == name) taken]==]
  AFTER [==[if (plain_file_name(name) != name && false) taken]==]
  REASON "a name with a slash takes the file of a later name that is a file name as it stands"
  TESTS multipl_moe/benchmark/file_names)
mutant(a_name_is_cut_inside_a_character multipl_moe/benchmark/file_names.hpp
  BEFORE [==[if (plain.size() + bytes > limit) break;]==]
  AFTER [==[if (plain.size() >= limit) break;]==]
  REASON "the last character may exceed the limit, and with it the file system's"
  TESTS multipl_moe/benchmark/file_names)
mutant(processes_share_an_unfinished_file multipl_moe/io/shared_file.hpp
  BEFORE [==["." + std::to_string(::getpid()) + ".partial"]==]
  AFTER [==[".partial"]==]
  REASON "of two processes that write a file, one renames the other's unfinished bytes"
  TESTS multipl_moe/io/shared_file)
mutant(rare_positions_count_as_much multipl_moe/statistics/information.hpp
  BEFORE [==[weight += sum / totals[g];]==]
  AFTER [==[weight += 1;]==]
  REASON "a stratum with few counts weighs as much as one with many"
  TESTS multipl_moe/statistics/information)
mutant(chance_never_reaches_the_observed multipl_moe/statistics/information.hpp
  BEFORE [==[static_cast<double>(reached + 1) / static_cast<double>(by_chance.size() + 1)]==]
  AFTER [==[static_cast<double>(reached) / static_cast<double>(by_chance.size())]==]
  REASON "p is 0, which no number of permutations can show"
  TESTS multipl_moe/statistics/information)
mutant(absent_groups_have_a_share multipl_moe/statistics/information.hpp
  BEFORE [==[const double share = 1 / static_cast<double>(here.size());]==]
  AFTER [==[const double share = 1 / static_cast<double>(sample.groups);]==]
  REASON "a language without segments at a position is part of the mean distribution there"
  TESTS multipl_moe/statistics/information)
mutant(the_top_position_is_taken_twice multipl_moe/reproduce/routing_measures.hpp
  BEFORE [==[sums[static_cast<std::size_t>(first)] = -2;]==]
  AFTER [==[sums[static_cast<std::size_t>(first)] -= 0;]==]
  REASON "the two most selected positions are one"
  TESTS multipl_moe/reproduce/routing_measures)
mutant(late_positions_are_rarer multipl_moe/reproduce/routing_measures.hpp
  BEFORE [==[sums[p] = sequences[p] > 0 ? sums[p] / sequences[p] : -1;]==]
  AFTER [==[sums[p] = sequences[p] > 0 ? sums[p] : -1;]==]
  REASON "a position that few sequences have is called rarely selected"
  TESTS multipl_moe/reproduce/routing_measures)
mutant(spread_of_the_last_language multipl_moe/reproduce/routing_measures.hpp
  BEFORE [==[spread += greatest / sum * static_cast<double>(counts.size()) - 1;]==]
  AFTER [==[spread = greatest / sum * static_cast<double>(counts.size()) - 1;]==]
  REASON "only the last language counts"
  TESTS multipl_moe/reproduce/routing_measures)
mutant(jobs_wait_for_each_other multipl_moe/reproduce/schedule.hpp
  BEFORE [==[now = next->first;]==]
  AFTER [==[now = std::max_element(running.begin(), running.end())->first;]==]
  REASON "the planned time leaves a place idle until the longest stage has ended"
  TESTS multipl_moe/reproduce/schedule)
mutant(t_quantile_of_the_wrong_tail multipl_moe/statistics/distributions.hpp
  BEFORE [==[return t < 0 ? tail : 1 - tail;]==]
  AFTER [==[return t < 0 ? 1 - tail : tail;]==]
  REASON "a large t is called probable"
  TESTS multipl_moe/statistics/distributions)
mutant(deviation_of_a_whole_population multipl_moe/statistics/paired.hpp
  BEFORE [==[squares / static_cast<double>(values.size() - 1)]==]
  AFTER [==[squares / static_cast<double>(values.size())]==]
  REASON "the spread of three seeds is understated by a fifth"
  TESTS multipl_moe/statistics/comparison)
mutant(bootstrap_without_seeds multipl_moe/statistics/bootstrap.hpp
  BEFORE [==[drawn = draws.below(seeds);]==]
  AFTER [==[drawn = i;]==]
  REASON "the interval leaves out that another seed gives another result"
  TESTS multipl_moe/statistics/comparison)
mutant(sign_flip_counts_strictly multipl_moe/statistics/tests.hpp
  BEFORE [==[std::abs(observed) - 1e-12 * total]==]
  AFTER [==[std::abs(observed) + 1e-12 * total]==]
  REASON "the observed signs are not counted, and p can be 0"
  TESTS multipl_moe/statistics/comparison)
mutant(random_p_of_0 multipl_moe/statistics/tests.hpp
  BEFORE [==[static_cast<double>(extreme + 1) / static_cast<double>(flips + 1)]==]
  AFTER [==[static_cast<double>(extreme) / static_cast<double>(flips)]==]
  REASON "p is 0, which no number of flips can show"
  TESTS multipl_moe/statistics/comparison)
mutant(holm_out_of_order multipl_moe/statistics/tests.hpp
  BEFORE [==[greatest = (std::max)(greatest, ]==]
  AFTER [==[greatest = (std::max)(0.0, ]==]
  REASON "a test is significant although one with a smaller p is not"
  TESTS multipl_moe/statistics/comparison)
mutant(seen_without_correction multipl_moe/statistics/comparison.hpp
  BEFORE [==[0.05 / (2 * static_cast<double>(tests))]==]
  AFTER [==[0.05 / 2 + 0 * static_cast<double>(tests)]==]
  REASON "the smallest difference that would have been seen ignores the other tests"
  TESTS multipl_moe/statistics/comparison)
mutant(sum_of_languages_has_the_error_of_one multipl_moe/reproduce/sampling_error.hpp
  BEFORE [==[/ (problems * languages)]==]
  AFTER [==[/ problems]==]
  REASON "the mean of six languages has the sampling error of one"
  TESTS multipl_moe/reproduce/sampling_error)
mutant(run_of_the_step_before multipl_moe/reproduce/run_stage.hpp
  BEFORE [==[of_system.filename().native(), id.filename().native()]==]
  AFTER [==[id.filename().native(), of_system.filename().native()]==]
  REASON "a run is filed under its step instead of its system"
  TESTS multipl_moe/reproduce/run_stage)

# ---- the sandbox of generated programs -----------------------------------------------------------
mutant(any_socket_family multipl_moe/sandbox/seccomp_filter.hpp
  BEFORE [==[unix_sockets, 1, 0);]==]
  AFTER [==[unix_sockets, 1, 1);]==]
  REASON "sockets of every family, such as vsock, which reaches the hypervisor"
  TESTS multipl_moe/sandbox/seccomp_filter)
mutant(namespaces_by_clone multipl_moe/sandbox/seccomp_filter.hpp
  BEFORE [==[namespace_flags = 0x7E020000]==]
  AFTER [==[namespace_flags = 0x6E020000]==]
  REASON "a child in a user namespace of its own, in which it has all capabilities"
  TESTS multipl_moe/sandbox/seccomp_filter)
mutant(other_abi_is_allowed multipl_moe/sandbox/seccomp_filter.hpp
  BEFORE [==[AUDIT_ARCH_AARCH64, 1, 0);]==]
  AFTER [==[AUDIT_ARCH_AARCH64, 1, 1);]==]
  REASON "calls of another ABI, whose numbers mean other calls, pass the filter"
  TESTS multipl_moe/sandbox/seccomp_filter)
mutant(x32_calls_are_allowed multipl_moe/sandbox/seccomp_filter.hpp
  BEFORE [==[first_x32_call, 0, 1);]==]
  AFTER [==[first_x32_call, 1, 1);]==]
  REASON "calls of the x32 ABI, which has the same architecture, are not killed"
  TESTS multipl_moe/sandbox/seccomp_filter)
mutant(later_calls_are_allowed multipl_moe/sandbox/seccomp_filter.hpp
  BEFORE [==[BPF_JGT | BPF_K, last_known_call, 0, 1);]==]
  AFTER [==[BPF_JGT | BPF_K, last_known_call, 1, 1);]==]
  REASON "calls of a later kernel, which the list does not know, pass the filter"
  TESTS multipl_moe/sandbox/seccomp_filter)
mutant(first_refused_call_is_allowed multipl_moe/sandbox/seccomp_filter.hpp
  BEFORE [==[refused.size() - i, 0);]==]
  AFTER [==[refused.size() - i - (i == 0 ? 1 : 0), 0);]==]
  REASON "a jump that is one instruction too short ends at the return that allows the call"
  TESTS multipl_moe/sandbox/seccomp_filter)
mutant(all_ioctls_are_allowed multipl_moe/sandbox/seccomp_filter.hpp
  BEFORE [==[load(argument(1));]==]
  AFTER [==[load(argument(0));]==]
  REASON "the descriptor instead of the request is compared, so that a program types into the terminal"
  TESTS multipl_moe/sandbox/seccomp_filter)
mutant(limit_itself_is_exceeded multipl_moe/sandbox/limits.hpp
  BEFORE [==[used.out_bytes > limits.output_bytes]==]
  AFTER [==[used.out_bytes >= limits.output_bytes]==]
  REASON "output of exactly the allowed size ends the job"
  TESTS multipl_moe/sandbox/limits)
mutant(stderr_without_limit multipl_moe/sandbox/limits.hpp
  BEFORE [==[ || used.err_bytes > limits.output_bytes)]==]
  AFTER [==[)]==]
  REASON "stderr grows without end"
  TESTS multipl_moe/sandbox/limits)
mutant(memory_kill_is_a_signal multipl_moe/sandbox/limits.hpp
  BEFORE [==[if (kernel_ran_out) return]==]
  AFTER [==[if (kernel_ran_out && code == 0) return]==]
  REASON "a program that the kernel has killed for its memory counts as killed by itself"
  TESTS multipl_moe/sandbox/limits)
mutant(cpu_limit_is_a_signal multipl_moe/sandbox/limits.hpp
  BEFORE [==[if (code - 128 == SIGXCPU)]==]
  AFTER [==[if (code - 128 == SIGXFSZ)]==]
  REASON "a process that has used up its CPU time counts as killed by a signal"
  TESTS multipl_moe/sandbox/limits)
mutant(core_limit_of_zero multipl_moe/sandbox/limits.hpp
  BEFORE [==[{RLIMIT_CORE, both(1)}]==]
  AFTER [==[{RLIMIT_CORE, both(0)}]==]
  REASON "the kernel starts the machine's program for core dumps outside the sandbox"
  TESTS multipl_moe/sandbox/limits)
mutant(one_mapped_user_is_enough multipl_moe/sandbox/user_ids.hpp
  BEFORE [==[begin <= first && first + count <= begin + size]==]
  AFTER [==[begin <= first && first < begin + size]==]
  REASON "root takes users for its slots of which only the first exists"
  TESTS multipl_moe/sandbox/user_ids)
# ---- checkpoints beside training --------------------------------------------------------------------
mutant(the_next_save_hides_a_failed_one multipl_moe/train/background_job.hpp
  BEFORE [==[    wait();
    running_ = std::async(]==]
  AFTER [==[    running_ = std::async(]==]
  REASON "a save begins without the error of the one before it"
  TESTS multipl_moe/train/background_job)
mutant(a_save_stops_the_training multipl_moe/train/background_job.hpp
  BEFORE [==[std::launch::async]==]
  AFTER [==[std::launch::deferred]==]
  REASON "the checkpoint is written by the thread that trains"
  TESTS multipl_moe/train/background_job)
mutant(a_failed_save_is_forgotten multipl_moe/train/background_job.hpp
  BEFORE [==[if (running_.valid()) running_.get();]==]
  AFTER [==[if (running_.valid()) std::exchange(running_, {}).wait();]==]
  REASON "a run continues although its disk is full"
  TESTS multipl_moe/train/background_job)
mutant(every_step_waits_for_the_save multipl_moe/train/background_job.hpp
  BEFORE [==[running_.wait_for(0s)]==]
  AFTER [==[(running_.wait(), running_.wait_for(0s))]==]
  REASON "the step after a save waits for its writer"
  TESTS multipl_moe/train/background_job)
# ---- exercises -------------------------------------------------------------------------------------
mutant(negative_numbers_are_divided multipl_moe/exercises/evaluator.hpp
  BEFORE [==[if (left < 0 || right <= 0)]==]
  AFTER [==[if (right <= 0)]==]
  REASON "a test expects the quotient of C++, which Python and Ruby do not agree with"
  TESTS multipl_moe/exercises/evaluator)
mutant(low_numbers_leave_the_range multipl_moe/exercises/evaluator.hpp
  BEFORE [==[if (number > largest_number || number < -largest_number)]==]
  AFTER [==[if (number > largest_number)]==]
  REASON "a test expects a number below the range of 32 bits"
  TESTS multipl_moe/exercises/evaluator)
mutant(inner_indices_from_the_first multipl_moe/exercises/evaluator.hpp
  BEFORE [==[std::int64_t i = integer(statement.from);]==]
  AFTER [==[std::int64_t i = 0;]==]
  REASON "pairs are counted twice, and elements with themselves"
  TESTS multipl_moe/exercises/evaluator)
mutant(a_mutant_changes_two_places multipl_moe/exercises/mutants.hpp
  BEFORE [==[if (at++ == place)]==]
  AFTER [==[if (at++ >= place)]==]
  REASON "a mutant differs in all later places too, so that weak tests reject it"
  TESTS multipl_moe/exercises/mutants)
mutant(negative_constants_in_mutants multipl_moe/exercises/mutants.hpp
  BEFORE [==[if (value >= least)]==]
  AFTER [==[if (value >= least - 9)]==]
  REASON "a mutant repeats a text 0 times or less, which some languages refuse"
  TESTS multipl_moe/exercises/mutants)
mutant(either_needs_both multipl_moe/exercises/evaluator.hpp
  BEFORE [==[integer(expression.parts[0]) != 0 || integer(expression.parts[1]) != 0]==]
  AFTER [==[integer(expression.parts[0]) != 0 && integer(expression.parts[1]) != 0]==]
  REASON "expected values of conditions joined by or are those of and"
  TESTS multipl_moe/exercises/evaluator)
mutant(joined_conditions_have_no_mutants multipl_moe/exercises/mutants.hpp
  BEFORE [==[      return {Op::either};]==]
  AFTER [==[      return {};]==]
  REASON "no test of a problem has to tell and from or"
  TESTS multipl_moe/exercises/mutants)
# ---- tensors of a model ----------------------------------------------------------------------------
mutant(pieces_of_a_device_begin_at_its_start multipl_moe/model/tensor_ref.hpp
  BEFORE [==[      read(first, part);]==]
  AFTER [==[      read(0, part);]==]
  REASON "every piece of a large tensor is a copy of the first one"
  TESTS multipl_moe/model/tensor_ref)
mutant(what_is_filled_stays_on_the_host multipl_moe/model/tensor_ref.hpp
  BEFORE [==[      write(first, part);]==]
  AFTER [==[      read(first, part);]==]
  REASON "a tensor of a device keeps its values when a file is read"
  TESTS multipl_moe/model/tensor_ref)
mutant(bytes_of_another_dtype_are_floats multipl_moe/model/tensor_ref.hpp
  BEFORE [==[return dtype == "F32" ? as_floats(memory) : std::span<float>();]==]
  AFTER [==[return as_floats(memory);]==]
  REASON "pairs of bfloat16 values are taken for values of float32"
  TESTS multipl_moe/model/tensor_ref)
# ---- planned exchanges -----------------------------------------------------------------------------
mutant(what_is_owned_is_sent_too multipl_moe/train/planned_exchange.hpp
  BEFORE [==[traffic.bytes = total() - of(process);]==]
  AFTER [==[traffic.bytes = total();]==]
  REASON "a plan has bytes that a process keeps"
  TESTS multipl_moe/train/planned_exchange)
mutant(owners_send_what_they_receive multipl_moe/train/planned_exchange.hpp
  BEFORE [==[          if (way == Way::to_owner) std::swap(sent, received);]==]
  AFTER [==[          if (way == Way::to_all) std::swap(sent, received);]==]
  REASON "a plan splits the bytes of a sum of gradients by machine as those of a share of weights"
  TESTS multipl_moe/train/planned_exchange)
mutant(rows_do_not_come_back multipl_moe/train/planned_exchange.hpp
  BEFORE [==[sent = received = {sent.within + received.within, sent.between + received.between};]==]
  AFTER [==[sent = received;]==]
  REASON "a plan of spread experts has the way of rows to them, but not the way back"
  TESTS multipl_moe/train/planned_exchange)
mutant(only_what_is_sent_takes_time multipl_moe/train/planned_exchange.hpp
  BEFORE [==[{sent, received})
      slowest]==]
  AFTER [==[{sent, sent})
      slowest]==]
  REASON "the process that receives all of a checkpoint's state is not the slowest"
  TESTS multipl_moe/train/planned_exchange)
# ---- the check on a GPU ----------------------------------------------------------------------------
mutant(a_delay_reaches_its_target_from_above bench/gpu_program/page_text.hpp
  BEFORE [==[target.at_least ? value >= bar : value <= bar]==]
  AFTER [==[value >= bar]==]
  REASON "a slow decoding is reported as one that reaches its target"
  TESTS bench/gpu_program/page_text)
mutant(what_is_not_a_number_reaches_targets bench/gpu_program/page_text.hpp
  BEFORE [==[target.at_least ? value >= bar : value <= bar]==]
  AFTER [==[target.at_least ? !(value < bar) : !(value > bar)]==]
  REASON "a figure that could not be computed is reported as reached"
  TESTS bench/gpu_program/page_text)
mutant(the_first_note_of_a_page bench/gpu_program/page_text.hpp
  BEFORE [==[page.rfind(]==]
  AFTER [==[page.find(]==]
  REASON "a line of an error's text is taken for the summary of the stage"
  TESTS bench/gpu_program/page_text)
mutant(a_deviation_that_is_no_number_is_forgotten bench/gpu_program/deviation.hpp
  BEFORE [==[if (std::isnan(deviation))]==]
  AFTER [==[if (false)]==]
  REASON "a GPU whose results are not numbers agrees with the CPU"
  TESTS bench/gpu_program/deviation)

# ---- several ranks ---------------------------------------------------------------------------------
mutant(block_of_experts_off_by_one comm/placement.hpp
  BEFORE [==[i < larger * (even + 1) ?]==]
  AFTER [==[i < larger * even ?]==]
  REASON "the larger blocks end too early"
  TESTS scale/place)
mutant(turns_of_experts_begin_late comm/placement.hpp
  BEFORE [==[return i % ranks;]==]
  AFTER [==[return (i + 1) % ranks;]==]
  REASON "the first expert is on the second rank"
  TESTS scale/place)
mutant(records_for_one_rank_reach_another comm/ranks_over.hpp
  BEFORE [==[to[static_cast<std::size_t>(root)] = static_cast<Index>(mine.size());]==]
  AFTER [==[to[0] = static_cast<Index>(mine.size());]==]
  REASON "every rank sends its record to rank 0"
  TESTS scale/ranks)
mutant(rows_of_ranks_overwrite_each_other comm/exchange.hpp
  BEFORE [==[filled[e] += from_p;]==]
  AFTER [==[filled[e] += p == 0 ? 0 : from_p;]==]
  REASON "the rows of the second rank take the places of the first one's"
  TESTS scale/exchange)
mutant(rows_go_to_another_owner comm/exchange.hpp
  BEFORE [==[if (target_of(e) == p) sent.append(]==]
  AFTER [==[if (target_of(e) == count - 1 - p) sent.append(]==]
  REASON "rows are packed for the ranks in descending order, and their counts in ascending order"
  TESTS scale/exchange)
mutant(replicated_rows_of_every_rank comm/exchange.hpp
  BEFORE [==[(is_replicated && p != mine)]==]
  AFTER [==[(is_replicated && p < mine)]==]
  REASON "the rows of an expert that every rank has are expected from other ranks"
  TESTS scale/exchange)
mutant(ranks_at_other_places_go_on comm/ranks_over.hpp
  BEFORE [==[call == other.call && layer == other.layer &&]==]
  AFTER [==[call == other.call &&]==]
  REASON "ranks in different layers exchange rows"
  TESTS scale/ranks)
mutant(announcements_are_not_counted comm/ranks_over.hpp
  BEFORE [==[++calls_;]==]
  AFTER [==[calls_ = 1;]==]
  REASON "a rank that left out a call is not found"
  TESTS scale/ranks)
mutant(counted_bytes_include_own_rows comm/ranks_over.hpp
  BEFORE [==[return detail::sum_of(bytes) - bytes[comm_.rank()];]==]
  AFTER [==[return detail::sum_of(bytes);]==]
  REASON "what stays on the rank is counted as sent"
  TESTS scale/exchange)
mutant(spread_weights_come_back_in_another_order experts/moe_ffn.hpp
  BEFORE [==[d_weights_1N = exchange.template values_back<Real>(context, d_weights_1M.const_view());]==]
  AFTER [==[d_weights_1N = exchange.template values_out<Real>(context, route.weights_1N.const_view()); d_weights_1N = exchange.template values_back<Real>(context, d_weights_1N.const_view());]==]
  REASON "the weights themselves come back instead of their gradients"
  TESTS scale/spread_experts)
mutant(the_longer_wait_never_ends multipl_moe/model/run_ranks.hpp
  BEFORE [==[set_timeout(usual_);]==]
  AFTER [==[set_timeout(2 * usual_);]==]
  REASON "after a save the ranks wait longer than the user wants"
  TESTS multipl_moe/model/run_ranks)
mutant(the_longer_wait_is_shorter multipl_moe/model/run_ranks.hpp
  BEFORE [==[std::max(usual, longer)]==]
  AFTER [==[longer]==]
  REASON "a --comm-timeout above half an hour does not hold in saves"
  TESTS multipl_moe/model/run_ranks)
mutant(no_limit_becomes_a_limit_in_saves multipl_moe/model/run_ranks.hpp
  BEFORE [==[usual.count() == 0 ? usual : std::max(usual, longer)]==]
  AFTER [==[std::max(usual, longer)]==]
  REASON "--comm-timeout 0 ends a save of more than half an hour"
  TESTS multipl_moe/model/run_ranks)
mutant(sum_over_ranks_is_a_mean train/sharded.hpp
  BEFORE [==[{ to[i] += from[i]; }]==]
  AFTER [==[{ to[i] = (to[i] + from[i]) / 2; }]==]
  REASON "gradients are averaged over ranks instead of summed"
  TESTS scale/sharded)
mutant(ranks_are_added_one_after_the_other train/sharded.hpp
  BEFORE [==[for (Index step = 1; step < n; step *= 2)
    for (Index i = 0; i + step < n; i += 2 * step)
      add_values<B>(context, blocks + (i + step) * count, count, blocks + i * count);]==]
  AFTER [==[for (Index i = 1; i < n; ++i) add_values<B>(context, blocks + i * count, count, blocks);]==]
  REASON "the order of the sum over ranks is not that of the slots within a rank"
  TESTS scale/sharded)
mutant(second_tensor_has_the_wrong_owner train/sharded.hpp
  BEFORE [==[*least += size;]==]
  AFTER [==[*least += 1;]==]
  REASON "tensors are dealt in turn, whatever their sizes"
  TESTS scale/sharded)
mutant(norm_of_what_is_not_summed train/sharded.hpp
  BEFORE [==[if (owners.of_tensor[number++] != rank) return;
        B::sum_of_squares]==]
  AFTER [==[if ((owners.of_tensor[number++] + 1) % context.ranks->size() != rank) return;
        B::sum_of_squares]==]
  REASON "a rank takes the squares of tensors that it does not own, whose gradient is its own alone"
  TESTS scale/sharded)
mutant(slots_without_a_partner_are_left_out train/sharded.hpp
  BEFORE [==[else
        join(context, k, gradient);
      is_there_[k] = is_first = false;]==]
  AFTER [==[is_there_[k] = is_first = false;]==]
  REASON "slots that have no partner are left out of the sum"
  TESTS scale/sharded)
mutant(waiting_sum_is_replaced train/sharded.hpp
  BEFORE [==[for (; k < sums_.size() && is_there_[k]; ++k) join(]==]
  AFTER [==[for (; k < 1 && k < sums_.size() && is_there_[k]; ++k) join(]==]
  REASON "the sum of the third and fourth slot replaces that of the first two"
  TESTS scale/sharded)
mutant(weights_of_the_next_owner train/sharded.hpp
  BEFORE [==[at(received, before + position)]==]
  AFTER [==[at(received, position)]==]
  REASON "every rank's weights are read from the first rank's"
  TESTS scale/sharded)
mutant(buffers_from_own_micro_batches_first train/sharded.hpp
  BEFORE [==[context.ranks->gather({"update of buffers"}, mine)) {]==]
  AFTER [==[[&] { auto all = context.ranks->gather({"update of buffers"}, mine); std::rotate(all.begin(), all.begin() + context.ranks->rank(), all.end()); return all; }()) {]==]
  REASON "every rank updates its buffers in another order"
  TESTS scale/layer_training)
mutant(others_tensors_do_not_come_back train/sharded.hpp
  BEFORE [==[  } catch (...) {
    swap();
    throw;]==]
  AFTER [==[  } catch (...) {
    throw;]==]
  REASON "after an error, a rank has lost the gradients of tensors that it does not own"
  TESTS scale/sharded)
mutant(weights_that_live_elsewhere_are_stored safetensors/layer_tensors.hpp
  BEFORE [==[return !is_buffer && tensor.empty();]==]
  AFTER [==[return false;]==]
  REASON "a rank saves empty tensors for the experts of other ranks, and refuses a file of all"
  TESTS safetensors/spread)
mutant(device_engine_in_another_stream comm/ranks_over.hpp
  BEFORE [==[return context.device->stream();]==]
  AFTER [==[return {};]==]
  REASON "rows are sent before the kernels of the context's stream have written them"
  TESTS backend/cuda/ranks_over)
mutant(announcement_through_the_device comm/ranks_over.hpp
  BEFORE [==[return comm_.host();]==]
  AFTER [==[return comm_;]==]
  REASON "an engine of device memory is given host memory"
  TESTS backend/cuda/ranks_over)
