set encoding utf8
$panel0 << EOD
0.15669 0.15669 0.15669 0.15669 0.15669 0.15669 
0.15625 0.15625 0.15625 0.15625 0.15625 0.15625 
0.15625 0.15625 0.15625 0.15625 0.15625 0.15625 
0.15625 0.15625 0.15625 0.15625 0.15625 0.15625 
0.15625 0.15625 0.15625 0.15625 0.15625 0.15625 
0.15625 0.15625 0.15625 0.15625 0.15625 0.15625 
EOD
$panel1 << EOD
0.15669 0.15669 0.15669 0.15669 0.15669 0.15669 
0.15625 0.15625 0.15625 0.15625 0.15625 0.15625 
0.15625 0.15625 0.15625 0.15625 0.15625 0.15625 
0.15625 0.15625 0.15625 0.15625 0.15625 0.15625 
0.15625 0.15625 0.15625 0.15625 0.15625 0.15625 
0.15625 0.15625 0.15625 0.15625 0.15625 0.15625 
EOD
$panel2 << EOD
0.15669 0.15669 0.15669 0.15669 0.15669 0.15669 
0.15625 0.15625 0.15625 0.15625 0.15625 0.15625 
0.15625 0.15625 0.15625 0.15625 0.15625 0.15625 
0.15625 0.15625 0.15625 0.15625 0.15625 0.15625 
0.15625 0.15625 0.15625 0.15625 0.15625 0.15625 
0.15625 0.15625 0.15625 0.15625 0.15625 0.15625 
EOD

reset
set terminal svg size 880,268 noenhanced font 'DejaVu Sans,11' background 'white'
set output 'segment_experts.svg'
set multiplot
set label 1 'Share of segments that each segment expert processes' at screen 0.5,0.93284 center font 'DejaVu Sans,13' front
set palette defined (0 '#f7fbff', 0.25 '#c6dbef', 0.5 '#6baed6', 0.75 '#2171b5', 1 '#08306b')
set cbrange [0:0.1567]
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
plot $panel0 matrix using 1:2:((0) ? NaN : $3) with image, $panel0 matrix using 1:2:(sprintf('%.2f', $3)):(!(0) && $3 > 0.08618 ? 0xffffff : 0x222222) with labels font ',8' tc rgb variable
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
plot $panel1 matrix using 1:2:((0) ? NaN : $3) with image, $panel1 matrix using 1:2:(sprintf('%.2f', $3)):(!(0) && $3 > 0.08618 ? 0xffffff : 0x222222) with labels font ',8' tc rgb variable
set lmargin at screen 0.62045
set rmargin at screen 0.85227
set tmargin at screen 0.76119
set bmargin at screen 0.22388
set title 'layer 2' offset 0,-0.6
set xlabel 'expert' offset 0,0.4
unset ylabel
unset ytics
plot $panel2 matrix using 1:2:((0) ? NaN : $3) with image, $panel2 matrix using 1:2:(sprintf('%.2f', $3)):(!(0) && $3 > 0.08618 ? 0xffffff : 0x222222) with labels font ',8' tc rgb variable
unset multiplot
unset output

reset
set terminal pngcairo size 880,268 noenhanced font 'DejaVu Sans,11' background 'white'
set output 'segment_experts.png'
set multiplot
set label 1 'Share of segments that each segment expert processes' at screen 0.5,0.93284 center font 'DejaVu Sans,13' front
set palette defined (0 '#f7fbff', 0.25 '#c6dbef', 0.5 '#6baed6', 0.75 '#2171b5', 1 '#08306b')
set cbrange [0:0.1567]
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
plot $panel0 matrix using 1:2:((0) ? NaN : $3) with image, $panel0 matrix using 1:2:(sprintf('%.2f', $3)):(!(0) && $3 > 0.08618 ? 0xffffff : 0x222222) with labels font ',8' tc rgb variable
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
plot $panel1 matrix using 1:2:((0) ? NaN : $3) with image, $panel1 matrix using 1:2:(sprintf('%.2f', $3)):(!(0) && $3 > 0.08618 ? 0xffffff : 0x222222) with labels font ',8' tc rgb variable
set lmargin at screen 0.62045
set rmargin at screen 0.85227
set tmargin at screen 0.76119
set bmargin at screen 0.22388
set title 'layer 2' offset 0,-0.6
set xlabel 'expert' offset 0,0.4
unset ylabel
unset ytics
plot $panel2 matrix using 1:2:((0) ? NaN : $3) with image, $panel2 matrix using 1:2:(sprintf('%.2f', $3)):(!(0) && $3 > 0.08618 ? 0xffffff : 0x222222) with labels font ',8' tc rgb variable
unset multiplot
unset output
