"""What the shop sells: for each, its names, what it looks like, what it costs."""

from typing import NamedTuple


class Goods(NamedTuple):
    """One product."""

    number: str
    en: str
    zh: str
    category: str
    picture: tuple[str, str]
    price: str
    said_en: str
    said_zh: str


CATEGORIES = {"tea": "Tea · 茶", "ware": "Teaware · 茶器", "gifts": "Gifts · 礼盒"}

GOODS = (
    Goods("HS-101", "West Lake Longjing", "西湖龙井", "tea", ("tin", "leaf"), "28.00",
          "Picked before the spring rain; chestnut and fresh peas.", "明前采摘，豆香清雅，回甘持久。"),
    Goods("HS-102", "Wuyi rock oolong", "武夷岩茶", "tea", ("pouch", "amber"), "24.50",
          "Roasted over charcoal; stone, cinnamon, a long finish.", "炭焙岩韵，桂皮香显，余韵悠长。"),
    Goods("HS-103", "Aged ripe pu'er", "陈年熟普洱", "tea", ("cake", "clay"), "46.00",
          "A cake of ten years; earth, dates, and no haste.", "十年陈化茶饼，枣香醇厚。"),
    Goods("HS-104", "Jasmine pearls", "茉莉龙珠", "tea", ("tin", "porcelain"), "19.90",
          "Rolled by hand and scented seven times.", "手工揉制，七窨一提，花香鲜灵。"),
    Goods("HS-105", "Ceremonial matcha", "宇治抹茶", "tea", ("tin", "celadon"), "32.00",
          "Stone-ground this season; bright and thick.", "当季石磨，色泽鲜绿，口感浓郁。"),
    Goods("HS-201", "Celadon teapot", "龙泉青瓷壶", "ware", ("pot", "celadon"), "68.00",
          "The glaze of Longquan over a body thrown by hand.", "手拉坯，龙泉梅子青釉。"),
    Goods("HS-202", "Yixing clay teapot", "宜兴紫砂壶", "ware", ("pot", "clay"), "129.00",
          "Unglazed clay that remembers its tea.", "原矿紫砂，越养越润。"),
    Goods("HS-203", "Blue-and-white gaiwan", "青花盖碗", "ware", ("gaiwan", "porcelain"), "39.00",
          "Thin porcelain from Jingdezhen; sits well in the hand.", "景德镇薄胎青花，手感轻巧。"),
    Goods("HS-204", "Tenmoku cup", "建盏", "ware", ("cup", "ink"), "54.00",
          "Oil-spot glaze; no two come out of the kiln alike.", "油滴釉面，窑变各异，独一无二。"),
    Goods("HS-205", "Bamboo whisk", "竹制茶筅", "ware", ("whisk", "amber"), "16.00",
          "A hundred tines, cut from one piece of bamboo.", "一百本立，整竹手工剖制。"),
    Goods("HS-206", "Walnut tea tray", "胡桃木茶盘", "ware", ("tray", "clay"), "84.00",
          "Drains below, and wipes clean.", "暗格储水，擦拭即净。"),
    Goods("HS-301", "Plum-blossom gift box", "梅花礼盒", "gifts", ("pouch", "plum"), "118.00",
          "Two teas and two cups, wrapped in paper by hand.", "两款茶配两只杯，手工纸包装。"),
)  # fmt: skip
