set encoding utf8
$panel0 << EOD
1 0.167859 0.175231 0.236081 0.195147 0.225682 
1 0.225175 0.112356 0.276881 0.255859 0.129729 
1 0.227279 0.179688 0.26556 0.12526 0.202214 
1 0.209766 0.182031 0.266406 0.212891 0.128906 
1 0.13737 0.200521 0.145833 0.197917 0.318359 
1 0.243273 0.253038 0.144531 0.162977 0.196181 
EOD
$panel1 << EOD
1 0.241582 0.224087 0.18739 0.186675 0.160266 
1 0.182566 0.268349 0.17722 0.195569 0.176295 
1 0.186263 0.286133 0.183724 0.196159 0.147721 
1 0.233203 0.233594 0.169141 0.153125 0.210938 
1 0.139974 0.147786 0.27474 0.26237 0.17513 
1 0.216146 0.149523 0.208984 0.182726 0.242622 
EOD
$panel2 << EOD
1 0.191296 0.185134 0.242848 0.205711 0.175011 
1 0.207288 0.245323 0.18344 0.203947 0.160002 
1 0.208008 0.249805 0.188086 0.245312 0.108789 
1 0.191797 0.217578 0.217188 0.151172 0.222266 
1 0.191406 0.190755 0.271484 0.171875 0.174479 
1 0.231337 0.220269 0.0881076 0.250217 0.210069 
EOD

reset
set terminal svg size 880,268 noenhanced font 'DejaVu Sans,11' background 'white'
set output 'token_experts.svg'
set multiplot
set label 1 'Share of tokens that each token expert processes (gray: all, by design)' at screen 0.5,0.93284 center font 'DejaVu Sans,13' front
set palette defined (0 '#f7fbff', 0.25 '#c6dbef', 0.5 '#6baed6', 0.75 '#2171b5', 1 '#08306b')
set cbrange [0:0.3184]
set cblabel 'share' offset 1.4,0
set format cb '%.2f'
unset key
set colorbox user origin screen 0.87955,0.22388 size screen 0.01591,0.53731
set object 1 rectangle from graph 0,0 to graph 1,1 behind fillcolor rgb '#dddddd' fillstyle solid noborder
set xrange [-0.5:5.5]
set yrange [5.5:-0.5]
set tics out nomirror scale 0.4
set xtics ('0' 0, '1' 1, '2' 2, '3' 3, '4' 4, '5' 5)
set lmargin at screen 0.10227
set rmargin at screen 0.33409
set tmargin at screen 0.76119
set bmargin at screen 0.22388
set title 'layer 0' offset 0,-0.6
set xlabel 'expert' offset 0,0.4
unset ylabel
set ytics ('Python' 0, 'Java' 1, 'C++' 2, 'Rust' 3, 'Go' 4, 'Ruby' 5)
plot $panel0 matrix using 1:2:((0||$1==0) ? NaN : $3) with image, $panel0 matrix using 1:2:(sprintf('%.2f', $3)):(!(0||$1==0) && $3 > 0.1751 ? 0xffffff : 0x222222) with labels font ',8' tc rgb variable
unset colorbox
unset label 1
set lmargin at screen 0.36136
set rmargin at screen 0.59318
set tmargin at screen 0.76119
set bmargin at screen 0.22388
set title 'layer 1' offset 0,-0.6
set xlabel 'expert' offset 0,0.4
unset ylabel
unset ytics
plot $panel1 matrix using 1:2:((0||$1==0) ? NaN : $3) with image, $panel1 matrix using 1:2:(sprintf('%.2f', $3)):(!(0||$1==0) && $3 > 0.1751 ? 0xffffff : 0x222222) with labels font ',8' tc rgb variable
set lmargin at screen 0.62045
set rmargin at screen 0.85227
set tmargin at screen 0.76119
set bmargin at screen 0.22388
set title 'layer 2' offset 0,-0.6
set xlabel 'expert' offset 0,0.4
unset ylabel
unset ytics
plot $panel2 matrix using 1:2:((0||$1==0) ? NaN : $3) with image, $panel2 matrix using 1:2:(sprintf('%.2f', $3)):(!(0||$1==0) && $3 > 0.1751 ? 0xffffff : 0x222222) with labels font ',8' tc rgb variable
unset multiplot
unset output

reset
set terminal pngcairo size 880,268 noenhanced font 'DejaVu Sans,11' background 'white'
set output 'token_experts.png'
set multiplot
set label 1 'Share of tokens that each token expert processes (gray: all, by design)' at screen 0.5,0.93284 center font 'DejaVu Sans,13' front
set palette defined (0 '#f7fbff', 0.25 '#c6dbef', 0.5 '#6baed6', 0.75 '#2171b5', 1 '#08306b')
set cbrange [0:0.3184]
set cblabel 'share' offset 1.4,0
set format cb '%.2f'
unset key
set colorbox user origin screen 0.87955,0.22388 size screen 0.01591,0.53731
set object 1 rectangle from graph 0,0 to graph 1,1 behind fillcolor rgb '#dddddd' fillstyle solid noborder
set xrange [-0.5:5.5]
set yrange [5.5:-0.5]
set tics out nomirror scale 0.4
set xtics ('0' 0, '1' 1, '2' 2, '3' 3, '4' 4, '5' 5)
set lmargin at screen 0.10227
set rmargin at screen 0.33409
set tmargin at screen 0.76119
set bmargin at screen 0.22388
set title 'layer 0' offset 0,-0.6
set xlabel 'expert' offset 0,0.4
unset ylabel
set ytics ('Python' 0, 'Java' 1, 'C++' 2, 'Rust' 3, 'Go' 4, 'Ruby' 5)
plot $panel0 matrix using 1:2:((0||$1==0) ? NaN : $3) with image, $panel0 matrix using 1:2:(sprintf('%.2f', $3)):(!(0||$1==0) && $3 > 0.1751 ? 0xffffff : 0x222222) with labels font ',8' tc rgb variable
unset colorbox
unset label 1
set lmargin at screen 0.36136
set rmargin at screen 0.59318
set tmargin at screen 0.76119
set bmargin at screen 0.22388
set title 'layer 1' offset 0,-0.6
set xlabel 'expert' offset 0,0.4
unset ylabel
unset ytics
plot $panel1 matrix using 1:2:((0||$1==0) ? NaN : $3) with image, $panel1 matrix using 1:2:(sprintf('%.2f', $3)):(!(0||$1==0) && $3 > 0.1751 ? 0xffffff : 0x222222) with labels font ',8' tc rgb variable
set lmargin at screen 0.62045
set rmargin at screen 0.85227
set tmargin at screen 0.76119
set bmargin at screen 0.22388
set title 'layer 2' offset 0,-0.6
set xlabel 'expert' offset 0,0.4
unset ylabel
unset ytics
plot $panel2 matrix using 1:2:((0||$1==0) ? NaN : $3) with image, $panel2 matrix using 1:2:(sprintf('%.2f', $3)):(!(0||$1==0) && $3 > 0.1751 ? 0xffffff : 0x222222) with labels font ',8' tc rgb variable
unset multiplot
unset output
