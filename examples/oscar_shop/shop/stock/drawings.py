"""Pictures of the goods, drawn as SVG: a quiet ground, one thing on it, its shadow."""

_FRAME = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 400" width="800" height="800">
<defs>
<linearGradient id="g" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="{ground}"/><stop offset="1" stop-color="{floor}"/></linearGradient>
<linearGradient id="b" x1="0" y1="0" x2="1" y2="0"><stop offset="0" stop-color="{light}"/><stop offset=".55" stop-color="{body}"/><stop offset="1" stop-color="{dark}"/></linearGradient>
</defs>
<rect width="400" height="400" fill="url(#g)"/>
<rect y="292" width="400" height="108" fill="{floor}" opacity=".55"/>
<ellipse cx="200" cy="308" rx="{shadow}" ry="15" fill="#23302b" opacity=".18"/>
{thing}</svg>
"""

_POT = """<path d="M118 212c-34-6-52-26-58-52-2-8 6-12 12-7 12 14 26 20 50 22z" fill="url(#b)"/>
<path d="M286 190c40-16 70 4 64 40-5 30-34 44-66 40" fill="none" stroke="{dark}" stroke-width="15" stroke-linecap="round"/>
<path d="M112 196c0-34 36-52 90-52s90 18 90 52c0 62-36 108-90 108s-90-46-90-108z" fill="url(#b)"/>
<path d="M150 150c6-20 26-28 52-28s46 8 52 28z" fill="{dark}"/><circle cx="202" cy="112" r="12" fill="{dark}"/>
<path d="M138 196c2 40 16 66 36 84" fill="none" stroke="#fff" stroke-opacity=".35" stroke-width="7" stroke-linecap="round"/>"""
_CUP = """<path d="M110 190h180c0 66-32 114-90 114s-90-48-90-114z" fill="url(#b)"/>
<ellipse cx="200" cy="190" rx="90" ry="20" fill="{dark}"/><ellipse cx="200" cy="193" rx="78" ry="14" fill="{tea}"/>
<path d="M172 304h56l8 8h-72z" fill="{dark}"/>
<path d="M130 214c6 34 20 56 38 70" fill="none" stroke="#fff" stroke-opacity=".4" stroke-width="7" stroke-linecap="round"/>
<path d="M178 150c-14-20 14-28 0-50M214 150c-14-20 14-28 0-50" fill="none" stroke="#fff" stroke-opacity=".7" stroke-width="6" stroke-linecap="round"/>"""
_GAIWAN = """<path d="M104 206h192c-4 58-30 88-62 92h-68c-32-4-58-34-62-92z" fill="url(#b)"/>
<ellipse cx="200" cy="206" rx="96" ry="18" fill="{dark}"/>
<path d="M120 196c10-36 46-52 80-52s70 16 80 52z" fill="url(#b)"/><path d="M180 146c2-14 38-14 40 0z" fill="{dark}"/>
<path d="M76 300h248c-14 16-52 20-124 20s-110-4-124-20z" fill="{body}"/>
<path d="M128 240c40 18 104 18 144 0" fill="none" stroke="{tea}" stroke-width="5"/>"""
_TIN = """<rect x="122" y="128" width="156" height="180" rx="10" fill="url(#b)"/>
<rect x="116" y="104" width="168" height="44" rx="9" fill="{dark}"/><rect x="150" y="184" width="100" height="86" rx="4" fill="#f7f3e8"/>
<path d="M200 254c-26-16-24-42 0-58 24 16 26 42 0 58zm0 0v-44" fill="{tea}" stroke="#f7f3e8" stroke-width="3"/>"""
_CAKE = """<ellipse cx="200" cy="266" rx="128" ry="44" fill="{dark}"/><ellipse cx="200" cy="246" rx="128" ry="44" fill="url(#b)"/>
<ellipse cx="200" cy="244" rx="34" ry="12" fill="{dark}"/>
<g stroke="{tea}" stroke-width="4" stroke-linecap="round" opacity=".8"><path d="M104 240l26 8M126 222l22 10M160 214l14 12M226 212l-8 14M262 220l-22 12M300 240l-28 6M286 262l-24-6M238 276l-10-12M170 278l8-12M120 262l24-8"/></g>"""
_WHISK = """<rect x="176" y="104" width="48" height="92" rx="8" fill="url(#b)"/><rect x="172" y="186" width="56" height="16" fill="{dark}"/>
<g stroke="{body}" stroke-width="4" stroke-linecap="round" fill="none"><path d="M180 202c-34 30-44 66-40 102M188 202c-18 32-22 68-18 104M196 202c-6 34-6 70-2 106M204 202c6 34 6 70 2 106M212 202c18 32 22 68 18 104M220 202c34 30 44 66 40 102"/></g>"""
_POUCH = """<path d="M128 132h144l14 172H114z" fill="url(#b)"/><path d="M122 112h156v24H122z" fill="{dark}"/>
<path d="M150 176h100v84H150z" fill="#f7f3e8"/><path d="M174 236c2-30 24-44 52-44-2 30-24 46-52 44zm0 0l30-24" fill="{tea}" stroke="#f7f3e8" stroke-width="3"/>"""
_TRAY = """<path d="M70 240h260l24 52H46z" fill="url(#b)"/><path d="M46 292h308v18H46z" fill="{dark}"/>
<g stroke="{dark}" stroke-width="5" opacity=".7"><path d="M96 252h208M86 266h228M76 280h248"/></g>
<path d="M160 190h80c0 30-14 52-40 52s-40-22-40-52z" fill="{tea}"/><ellipse cx="200" cy="190" rx="40" ry="9" fill="#f7f3e8"/>"""

_THINGS = {
    "pot": (_POT, 110), "cup": (_CUP, 76), "gaiwan": (_GAIWAN, 122), "tin": (_TIN, 92),
    "cake": (_CAKE, 132), "whisk": (_WHISK, 74), "pouch": (_POUCH, 98), "tray": (_TRAY, 160),
}  # fmt: skip
_COLOURS = {
    "celadon": ("#dfe9e2", "#c4d6cb", "#b9d6c6", "#86b39c", "#4f7d69", "#7a5a2e"),
    "clay": ("#f1e6dc", "#e0cfc0", "#c98e6b", "#a5603f", "#6d3a25", "#8a5a2b"),
    "ink": ("#e6e8ea", "#d0d5d9", "#6f7f8c", "#3f4e5a", "#22303a", "#9a7b43"),
    "porcelain": ("#e9eef5", "#d3deec", "#ffffff", "#e8eef6", "#3f63a3", "#3f63a3"),
    "leaf": ("#edf1e0", "#d9e2c3", "#9dba6b", "#6f9142", "#43602a", "#5c8034"),
    "amber": ("#f7ecd9", "#ecd9b6", "#dfae5f", "#bd8430", "#80561b", "#a2661f"),
    "plum": ("#f3e6ea", "#e4cfd6", "#b9788f", "#8d4c66", "#5b2c40", "#7c2f45"),
}


def drawing(thing: str, colour: str) -> str:
    """One picture, as SVG."""
    ground, floor, light, body, dark, tea = _COLOURS[colour]
    shape, shadow = _THINGS[thing]
    colours = {"light": light, "body": body, "dark": dark, "tea": tea}
    return _FRAME.format(
        ground=ground, floor=floor, shadow=shadow, thing=shape.format(**colours), **colours
    )
