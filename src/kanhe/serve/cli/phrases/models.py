"""What `kanhe model` tells."""

from __future__ import annotations

MODELS: dict[str, tuple[str, str]] = {
    "help.model.show": (
        "Show what a model's file says: training, metrics, inputs, card, hash.",
        "查看模型文件的内容：训练情况、评估指标、输入、模型说明、哈希。",
    ),
    "help.model.explain": (
        "Score lines of inputs, and say what each input contributed (exact Shapley values).",
        "对逐行给出的输入打分，并说明各输入的贡献（精确 Shapley 值）。",
    ),
    "opt.model_file": ("The model's file.", "模型文件。"),
    "opt.inputs": (
        "Lines of JSON, each with inputs by name; what is left out is missing. - reads standard input.",
        "JSON 行，每行按名称给出输入，未给出的视为缺失；- 表示读取标准输入。",
    ),
    "opt.contributions": (
        "How many contributions to show of each line.",
        "每行显示多少个贡献。",
    ),
    "card.unreadable": ("cannot read {file}: {why}", "无法读取 {file}：{why}"),
    "card.kind.boosted": (
        "Boosted trees ({objective}): {trees} trees, {leaves} leaves, {inputs} inputs.",
        "提升树（{objective}）：{trees} 棵树，{leaves} 个叶子，{inputs} 个输入。",
    ),
    "card.kind.isolation": (
        "Isolation forest ({objective}): {trees} trees, {leaves} leaves, {inputs} inputs.",
        "孤立森林（{objective}）：{trees} 棵树，{leaves} 个叶子，{inputs} 个输入。",
    ),
    "card.calibration.none": ("Not calibrated.", "未校准。"),
    "card.calibration.platt": ("Calibrated by Platt's curve.", "已按 Platt 曲线校准。"),
    "card.calibration.isotonic": ("Calibrated by isotonic regression.", "已按保序回归校准。"),
    "card.no_training": (
        "The file does not say what it was trained on.",
        "文件未说明训练数据。",
    ),
    "card.training": (
        "Trained on {rows} events ({types}), {positives} of them fraud, from {begin} to {end}, labels"
        " waited for {delay}, seed {seed}.",
        "训练数据：{begin} 至 {end} 的 {rows} 个事件（{types}），其中欺诈 {positives} 个，标注等待 {delay}，"
        "种子 {seed}。",
    ),
    "card.versions": ("Made with {versions}.", "所用的库：{versions}。"),
    "card.metrics": ("Measured", "评估指标"),
    "card.inputs": ("Inputs", "输入"),
    "card.use": ("Intended use", "用途"),
    "card.data": ("Data", "数据"),
    "card.limits": ("Limits", "局限"),
    "card.groups": ("Groups of people", "不同人群"),
    "card.score": ("Line {line}: score {score}", "第 {line} 行：分数 {score}"),
    "card.bad_line": (
        "line {line} is not an object of numbers by name: {why}",
        "第 {line} 行不是“名称到数值”的对象：{why}",
    ),
    "card.long_line": (
        "line {line} is longer than {most} bytes",
        "第 {line} 行超过 {most} 字节",
    ),
    "card.unknown_input": (
        "line {line}: the model has no input {name}. {near}",
        "第 {line} 行：模型没有输入 {name}。{near}",
    ),
    "col.metric": ("metric", "指标"),
    "col.usual": ("usually", "通常"),
    "col.missing": ("missing", "缺失"),
    "col.positives": ("fraud", "欺诈"),
    "col.contribution": ("contribution", "贡献"),
}
