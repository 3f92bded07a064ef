#!/usr/bin/env python3
"""Scores exported completions with MultiPL-E's own evaluation scripts and compares the statuses with the program's.

    multipl_moe evaluate ... -o OUT --export multipl-e
    python3 bench/peers/multipl_e.py OUT/multipl-e --evaluation EVALUATION

EVALUATION is the folder evaluation/src of nuprl/MultiPL-E, or the copy of it in bigcode-evaluation-harness,
bigcode_eval/tasks/custom_metrics/multiple_metrics. These scripts run programs WITHOUT isolation: run this script in a
container or with bubblewrap. Their Java looks for javatuples in a fixed place; --javatuples names another.

Prints a table of status pairs for each language and every difference; the exit code is 1 if there is one.
"""
import argparse
import collections
import concurrent.futures
import importlib
import json
import pathlib
import sys
import tempfile
import time

EVALUATORS = {"py": ("eval_python", ".py"), "java": ("eval_java", ".java"), "cpp": ("eval_cpp", ".cpp"),
              "rs": ("eval_rust", ".rs"), "go_test.go": ("eval_go", "_test.go"), "rb": ("eval_ruby", ".rb")}


def evaluators(folder, javatuples):
    """The function eval_script of each language; the copy in bigcode-evaluation-harness is a package."""
    folder = folder.resolve()
    is_package = (folder / "__init__.py").exists()
    sys.path.insert(0, str(folder.parent if is_package else folder))
    prefix = f"{folder.name}." if is_package else ""
    modules = {language: importlib.import_module(prefix + module) for language, (module, _) in EVALUATORS.items()}
    modules["java"].Path = lambda path: pathlib.Path(javatuples if "javatuples" in str(path) else path)
    return {language: (modules[language].eval_script, extension) for language, (_, extension) in EVALUATORS.items()}


def status_of(scripts, language, program):
    script, extension = scripts[language]
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / f"program{extension}"
        file.write_bytes(program.encode())
        return script(file)["status"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("export", type=pathlib.Path)
    parser.add_argument("--evaluation", type=pathlib.Path, required=True)
    parser.add_argument("--javatuples", type=pathlib.Path, default="/usr/share/java/javatuples.jar")
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    scripts = evaluators(arguments.evaluation, arguments.javatuples)

    jobs = []
    for file in sorted(arguments.export.glob("*.results.json")):
        problem = json.loads(file.read_text())
        jobs += [(problem["language"], problem["name"], sample, result)
                 for sample, result in enumerate(problem["results"])]
    if not jobs:
        sys.exit(f"no files *.results.json in {arguments.export}")
    begin = time.time()
    with concurrent.futures.ThreadPoolExecutor(arguments.workers) as pool:
        found = list(pool.map(lambda job: status_of(scripts, job[0], job[3]["program"]), jobs))

    pairs = collections.Counter((job[0], job[3]["status"], theirs) for job, theirs in zip(jobs, found))
    print(f"{len(jobs)} programs in {time.time() - begin:.0f} s")
    print(f"{'':<12} {'here':<12} {'MultiPL-E':<12} {'programs':>8}")
    for (language, ours, theirs), count in sorted(pairs.items()):
        print(f"{language:<12} {ours:<12} {theirs:<12} {count:>8}{'' if ours == theirs else '  different'}")
    different = [(job, theirs) for job, theirs in zip(jobs, found) if job[3]["status"] != theirs]
    for (language, name, sample, result), theirs in different:
        print(f"{language} {name} sample {sample}: {result['status']} here, {theirs} there")
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
