// The emoji that alerts and bots use most; an unknown name stays as it was written.
import { h } from "./dom.js";

const TABLE = `
red_circle 🔴 large_orange_circle 🟠 orange_circle 🟠 large_yellow_circle 🟡 yellow_circle 🟡 large_green_circle 🟢
green_circle 🟢 large_blue_circle 🔵 blue_circle 🔵 large_purple_circle 🟣 black_circle ⚫ white_circle ⚪ large_red_square 🟥
large_orange_square 🟧 large_yellow_square 🟨 large_green_square 🟩 large_blue_square 🟦 black_square_button 🔲 red_square 🟥
rotating_light 🚨 fire 🔥 warning ⚠️ exclamation ❗ heavy_exclamation_mark ❗ bangbang ‼️ question ❓ grey_question ❔ no_entry ⛔
no_entry_sign 🚫 octagonal_sign 🛑 stop_sign 🛑 x ❌ negative_squared_cross_mark ❎ white_check_mark ✅ heavy_check_mark ✔️
ballot_box_with_check ☑️ information_source ℹ️ bell 🔔 no_bell 🔕 mute 🔇 loudspeaker 📢 mega 📣 hourglass ⌛
hourglass_flowing_sand ⏳ stopwatch ⏱️ alarm_clock ⏰ clock1 🕐 clock3 🕒 watch ⌚ calendar 📅 date 📅 eyes 👀 eye 👁️ mag 🔍
mag_right 🔎 microscope 🔬 telescope 🔭 bulb 💡 wrench 🔧 hammer 🔨 hammer_and_wrench 🛠️ gear ⚙️ nut_and_bolt 🔩 toolbox 🧰
robot_face 🤖 brain 🧠 computer 💻 desktop_computer 🖥️ floppy_disk 💾 cd 💿 package 📦 file_folder 📁 open_file_folder 📂
page_facing_up 📄 memo 📝 pencil ✏️ pencil2 ✏️ clipboard 📋 bookmark_tabs 📑 books 📚 book 📖 notebook 📓 link 🔗 paperclip 📎
pushpin 📌 round_pushpin 📍 lock 🔒 unlock 🔓 key 🔑 shield 🛡️ satellite 🛰️ globe_with_meridians 🌐 earth_americas 🌎 ocean 🌊
zap ⚡ boom 💥 bug 🐛 beetle 🪲 ghost 👻 skull 💀 bomb 💣 rocket 🚀 airplane ✈️ ship 🚢 anchor ⚓ construction 🚧
vertical_traffic_light 🚦 traffic_light 🚥 checkered_flag 🏁 triangular_flag_on_post 🚩 chart_with_upwards_trend 📈
chart_with_downwards_trend 📉 bar_chart 📊 arrow_up ⬆️ arrow_down ⬇️ arrow_right ➡️ arrow_left ⬅️ arrow_up_small 🔼
arrow_down_small 🔽 arrows_counterclockwise 🔄 repeat 🔁 leftwards_arrow_with_hook ↩️ rewind ⏪ fast_forward ⏩ play_or_pause ⏯️
arrow_forward ▶️ double_vertical_bar ⏸️ black_square_for_stop ⏹️ thumbsup 👍 +1 👍 thumbsdown 👎 -1 👎 clap 👏 raised_hands 🙌
pray 🙏 wave 👋 ok_hand 👌 muscle 💪 point_right 👉 point_left 👈 point_up 👆 point_down 👇 raising_hand 🙋 hand ✋ v ✌️
bust_in_silhouette 👤 busts_in_silhouette 👥 technologist 🧑‍💻 firefighter 🧑‍🚒 ambulance 🚑 hospital 🏥 pill 💊 thermometer 🌡️
adhesive_bandage 🩹 smile 😄 grinning 😀 slightly_smiling_face 🙂 thinking_face 🤔 tada 🎉 sparkles ✨ star ⭐ star2 🌟 heart ❤️
100 💯 snail 🐌 turtle 🐢 dart 🎯 crystal_ball 🔮 scroll 📜 speech_balloon 💬 thought_balloon 💭 email 📧 envelope ✉️ inbox_tray 📥
outbox_tray 📤 card_index_dividers 🗂️ wastebasket 🗑️ recycle ♻️ seedling 🌱 snowflake ❄️ cloud ☁️ sunny ☀️ umbrella ☂️ rainbow 🌈
whale 🐳 elephant 🐘 leaves 🍃 coffee ☕ pager 📟 telephone_receiver 📞 phone ☎️ battery 🔋 electric_plug 🔌 mouse_trap 🪤
spiral_note_pad 🗒️ spiral_calendar_pad 🗓️ green_book 📗 blue_book 📘 closed_book 📕 orange_book 📙 page_with_curl 📃 chart 💹 thinking 🤔 simple_smile 🙂 disappointed 😞 ok 🆗 clock2 🕑 rolling_on_the_floor_laughing 🤣 postbox 📮
one 1️⃣ two 2️⃣ three 3️⃣ four 4️⃣ five 5️⃣ heavy_minus_sign ➖ heavy_plus_sign ➕ small_red_triangle 🔺 small_red_triangle_down 🔻
small_blue_diamond 🔹 small_orange_diamond 🔸 large_blue_diamond 🔷 large_orange_diamond 🔶 white_small_square ▫️ black_small_square ▪️
heavy_multiplication_x ✖️ fearful 😨 sob 😭 sweat_smile 😅 facepalm 🤦 shrug 🤷 sleeping 😴 zzz 💤 no_good 🙅 see_no_evil 🙈 sos 🆘 new 🆕
`;

const words = TABLE.trim().split(/\s+/);
export const EMOJI = new Map();
for (let i = 0; i + 1 < words.length; i += 2) EMOJI.set(words[i], words[i + 1]);

export function emoji(name) {
  const found = EMOJI.get(name.split("::")[0]);
  return found ? h("span", { class: "emoji", title: `:${name}:` }, found) : `:${name}:`;
}
