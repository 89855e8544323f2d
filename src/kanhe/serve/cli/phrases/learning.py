"""What `kanhe evaluate` and `kanhe model train` and `evaluate` tell."""

from __future__ import annotations

LEARNING: dict[str, tuple[str, str]] = {
    "help.evaluate": (
        "Try a policy pack's features on a file of labelled payments under a published protocol.",
        "按公开的评测方案，用带标注的支付数据检验策略包的特征。",
    ),
    "help.model.train": (
        "Train a model on a training set and write its file.",
        "用训练集训练模型并写入文件。",
    ),
    "help.model.evaluate": (
        "Measure a model on a training set that it did not learn from.",
        "在模型未学习过的数据集上评测模型。",
    ),
    "opt.protocol": ("The protocol; there is handbook.", "评测方案，目前有 handbook。"),
    "opt.trial_data": (
        "The file of payments and labels, Parquet or CSV.",
        "支付与标注的数据文件（Parquet 或 CSV）。",
    ),
    "opt.trial_policy": (
        "The pack whose features are learned from; by default the example handbook.",
        "提供特征的策略包；默认为示例 handbook。",
    ),
    "opt.trial_map": (
        "How rows become payments; by default that of the example.",
        "行到支付事件的映射；默认为示例自带的映射。",
    ),
    "opt.trial_labels": (
        "How rows become labels; by default that of the example.",
        "行到标注的映射；默认为示例自带的映射。",
    ),
    "opt.train_start": (
        "The first day of training, such as 2018-07-25; by default the last folds that the file holds.",
        "训练的第一天，例如 2018-07-25；默认取文件末尾能容纳的各折。",
    ),
    "opt.folds": (
        "How many folds, a week apart; by default up to 6, or 1 with --train-start.",
        "折数，相邻两折相隔一周；默认最多 6，给出 --train-start 时为 1。",
    ),
    "opt.learn_seed": (
        "The seed of all chance: the same rows and seed give the same model.",
        "随机种子：数据与种子相同，模型就相同。",
    ),
    "opt.dataset_in": (
        "A training set, as kanhe dataset build writes it.",
        "kanhe dataset build 生成的训练集。",
    ),
    "opt.model_name": (
        "What the model is called, as rules will read it.",
        "模型名称，规则以此读取评分。",
    ),
    "opt.model_out": ("The file to write.", "要写入的文件。"),
    "opt.model_in": ("The file of a model.", "模型文件。"),
    "opt.unsupervised": (
        "Make a detector of what is unlike the rest, without labels.",
        "不用标注，训练识别异类的检测模型。",
    ),
    "opt.calibration": (
        "How scores become probabilities: platt or isotonic.",
        "评分校准为概率的方法：platt 或 isotonic。",
    ),
    "opt.positive_weight": (
        "How much a fraud weighs against an honest event; 0: the root of their ratio.",
        "一个欺诈样本相对正常样本的权重；0 表示两者数量比的平方根。",
    ),
    "opt.alerts": (
        "How many events a day people can look at.",
        "每天人工能查看的事件数。",
    ),
    "opt.leave_out": (
        "A feature not to learn from; may be given several times.",
        "不参与学习的特征，可多次给出。",
    ),
    "trial.reading": ("Reading", "正在读取"),
    "trial.features": ("Computing features", "正在计算特征"),
    "trial.fold": ("Training and testing", "正在训练与测试"),
    "trial.protocol": (
        "--protocol {name}: no such protocol; there is handbook",
        "--protocol {name}：没有这种评测方案，目前有 handbook",
    ),
    "trial.date": (
        "--train-start {text}: not a day; write it like 2018-07-25",
        "--train-start {text}：不是日期，写法如 2018-07-25",
    ),
    "trial.about": (
        "{file}: {rows} payments from {first} to {last}, {frauds} of them fraud. {inputs} numbers of"
        " {pack}; the kernel took {events} events in {seconds:.1f} s.",
        "{file}：{first} 至 {last} 共 {rows} 笔支付，其中欺诈 {frauds} 笔。采用 {pack} 的 {inputs} 个"
        "数值；内核处理 {events} 个事件用时 {seconds:.1f} 秒。",
    ),
    "trial.title": (
        "Train {train} days, wait {delay}, test {test}",
        "训练 {train} 天，等待 {delay} 天，测试 {test} 天",
    ),
    "trial.days": ("Card Precision@{cards}, day by day", "逐日 Card Precision@{cards}"),
    "trial.mean": ("mean", "平均"),
    "trial.best": (
        "Highest possible Card Precision@{cards} of these folds: {best:.3f}, because there are days with"
        " fewer compromised cards.",
        "这些折中 Card Precision@{cards} 的上限为 {best:.3f}：有些日子被盗用的卡不足 {cards} 张。",
    ),
    "col.train_start": ("train from", "训练起始日"),
    "col.test_start": ("test from", "测试起始日"),
    "col.learned": ("learned (fraud)", "训练样本（欺诈）"),
    "col.tested": ("tested (fraud)", "测试样本（欺诈）"),
    "col.trees": ("trees", "树"),
    "col.roc_auc": ("ROC AUC", "ROC AUC"),
    "col.average_precision": ("average precision", "平均精确率"),
    "col.card_precision": ("Card Precision@{cards}", "Card Precision@{cards}"),
    "col.fit_s": ("fit s", "训练秒数"),
    "col.score_s": ("score s", "评分秒数"),
    "col.day": ("day", "日期"),
    "col.day_precision": ("precision", "精确率"),
    "col.cards_found": ("found", "查出"),
    "col.compromised": ("compromised", "被盗用"),
    "help.model": ("Train, measure and look at models.", "训练、评测和查看模型。"),
    "model.name": (
        "--name {name}: a name is a word of small letters, digits and _, such as card_risk",
        "--name {name}：名称只能用小写字母、数字和下划线，例如 card_risk",
    ),
    "model.calibration": (
        "--calibration {got}: there are platt and isotonic",
        "--calibration {got}：可用的有 platt 和 isotonic",
    ),
    "model.written": (
        "{file}: {name}, {trees} trees over {inputs} inputs, from {rows} rows ({positives} fraud).",
        "{file}：{name}，{trees} 棵树、{inputs} 个输入，学自 {rows} 行（欺诈 {positives} 行）。",
    ),
    "model.detector": (
        "{file}: {name}, {trees} trees over {inputs} inputs, from {rows} rows, without labels.",
        "{file}：{name}，{trees} 棵树、{inputs} 个输入，学自 {rows} 行，未用标注。",
    ),
    "model.name_it": (
        'Name it in pack.toml: [models.{name}] file = "models/{file}", on = [{types}]',
        '在 pack.toml 中引用：[models.{name}] file = "models/{file}", on = [{types}]',
    ),
    "model.later": (
        "On the later part, which the trees had not seen",
        "在训练期后段（首轮训练未见过的数据）上",
    ),
    "model.measured": (
        "{name} on {file}: {rows} rows from {first} to {last}, {positives} fraud, {unlabelled} without a"
        " label left out.",
        "{name} 在 {file} 上：{first} 至 {last} 共 {rows} 行，欺诈 {positives} 行；另有 {unlabelled} 行"
        "无标注，未计入。",
    ),
    "model.overlaps": (
        "These rows lie inside the model's training window: the figures are too good.",
        "这些数据落在模型的训练期内，指标偏乐观。",
    ),
    "col.measure": ("measure", "指标"),
    "col.figure": ("value", "数值"),
    "measure.roc_auc": ("ROC AUC", "ROC AUC"),
    "measure.average_precision": ("average precision", "平均精确率"),
    "measure.brier": ("Brier score", "Brier 分数"),
    "measure.calibration_error": ("calibration error", "校准误差"),
    "measure.precision_at_budget": (
        "precision of {alerts} alerts a day",
        "每天 {alerts} 个告警的精确率",
    ),
    "measure.recall_at_budget": (
        "recall of {alerts} alerts a day",
        "每天 {alerts} 个告警的召回率",
    ),
    "model.calibration_title": ("What was said, and what came", "预测概率与实际比例"),
    "col.said": ("said", "预测"),
    "col.came": ("came", "实际"),
    "model.groups": (
        "By group, under one threshold for all",
        "分组结果（统一阈值）",
    ),
    "col.group": ("group", "分组"),
    "col.alerted": ("flagged", "告警比例"),
    "col.false_alarms": ("of honest ones", "误报率"),
    "col.fraud_flagged": ("of fraud", "召回率"),
    "model.few": ("too few to tell", "样本太少"),
    "group.country": ("country {value}", "国家 {value}"),
    "group.buyer": ("buyer: {value}", "买家：{value}"),
    "buyer.new": ("new", "新客"),
    "buyer.returning": ("returning", "老客"),
}
"""Key: (English, Chinese), each translated by meaning."""
