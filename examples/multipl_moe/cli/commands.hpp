/// Each function adds a subcommand to the program: its options, its help and the callback that runs it.
#pragma once

#include <CLI/CLI.hpp>

namespace multipl_moe {

void add_info_command(CLI::App& program);
void add_tokenizer_command(CLI::App& program);
void add_exercises_command(CLI::App& program);
void add_prepare_command(CLI::App& program);
void add_pretrain_command(CLI::App& program);
void add_make_checkpoint_command(CLI::App& program);
void add_upcycle_command(CLI::App& program);
void add_merge_command(CLI::App& program);
void add_export_command(CLI::App& program);
void add_train_command(CLI::App& program);
void add_eval_command(CLI::App& program);
void add_evaluate_command(CLI::App& program);
void add_generate_command(CLI::App& program);
void add_trace_command(CLI::App& program);
void add_report_command(CLI::App& program);
void add_probe_command(CLI::App& program);
void add_doctor_command(CLI::App& program);
void add_demo_command(CLI::App& program);
void add_reproduce_command(CLI::App& program);

}  // namespace multipl_moe
