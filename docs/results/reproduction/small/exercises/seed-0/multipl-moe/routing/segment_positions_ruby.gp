set encoding utf8
$panel0 << EOD
0.333333 0.166667 0.333333 0.277778 0.277778 0.222222 0.166667 0.0555556 0.111111 0.111111 0.111111 0.111111 0.0555556 0.111111 0.0555556 0 
0.277778 0.277778 0.277778 0.166667 0.0555556 0 0.222222 0.111111 0.0555556 0.111111 0.166667 0.111111 0.444444 0.0555556 0.111111 0.0555556 
0 0.166667 0.111111 0.277778 0.277778 0.111111 0.111111 0.111111 0.222222 0.111111 0.166667 0.0555556 0.277778 0.222222 0.111111 0.166667 
0.222222 0.277778 0.333333 0.0555556 0.0555556 0.0555556 0.166667 0.222222 0.0555556 0.333333 0.111111 0.277778 0.0555556 0.166667 0.0555556 0.0555556 
0.333333 0.166667 0.111111 0.111111 0.166667 0.277778 0.277778 0.166667 0.222222 0.111111 0.111111 0.111111 0.0555556 0.111111 0.0555556 0.111111 
0.333333 0.222222 0.0555556 0.166667 0.0555556 0.111111 0.0555556 0.166667 0.166667 0.166667 0.333333 0.111111 0.0555556 0.0555556 0.222222 0.222222 
EOD
$panel1 << EOD
0.222222 0.277778 0.222222 0.277778 0.277778 0.222222 0.166667 0.0555556 0.0555556 0.0555556 0.166667 0.0555556 0.111111 0.166667 0.111111 0.0555556 
0.166667 0.166667 0.222222 0 0 0.111111 0.166667 0.333333 0.0555556 0.166667 0.111111 0.388889 0.111111 0.166667 0.166667 0.166667 
0.222222 0.0555556 0.0555556 0.166667 0.222222 0.277778 0.222222 0.0555556 0.111111 0.111111 0.166667 0.111111 0.166667 0.111111 0.166667 0.277778 
0.333333 0.166667 0.277778 0.166667 0.166667 0.166667 0.166667 0.166667 0.111111 0.111111 0.111111 0.0555556 0.388889 0.0555556 0 0.0555556 
0.166667 0.111111 0 0 0 0.222222 0.333333 0.166667 0.166667 0.222222 0.222222 0.166667 0.333333 0.222222 0.0555556 0.111111 
0 0.222222 0.111111 0.333333 0.333333 0.111111 0.0555556 0.111111 0.0555556 0.166667 0.166667 0.166667 0.111111 0.166667 0.222222 0.166667 
EOD
$panel2 << EOD
0.0555556 0.111111 0.166667 0.222222 0.333333 0.277778 0.166667 0.222222 0.0555556 0.166667 0.166667 0.111111 0.0555556 0.111111 0.166667 0.111111 
0.333333 0.0555556 0.0555556 0 0.0555556 0.222222 0.222222 0.166667 0.277778 0.111111 0.166667 0.166667 0.277778 0.0555556 0.277778 0.0555556 
0.388889 0.166667 0.166667 0.222222 0.111111 0.222222 0.166667 0.166667 0.111111 0.0555556 0.0555556 0.111111 0.111111 0.111111 0.111111 0.222222 
0.0555556 0.222222 0.111111 0.277778 0.222222 0.0555556 0.111111 0.111111 0.222222 0.166667 0.166667 0.222222 0.0555556 0.333333 0.0555556 0.111111 
0.388889 0.222222 0.111111 0.111111 0.0555556 0.0555556 0.111111 0.222222 0.111111 0.222222 0.166667 0.222222 0 0.111111 0.166667 0.222222 
0.166667 0.0555556 0.277778 0.111111 0.111111 0.111111 0.111111 0.166667 0.166667 0.166667 0.277778 0.111111 0.333333 0.111111 0.166667 0.0555556 
EOD

reset
set terminal svg size 1332,476 noenhanced font 'DejaVu Sans,11' background 'white'
set output 'segment_positions_ruby.svg'
set multiplot
set label 1 'Ruby: share of sequences whose segment at a position an expert processes' at screen 0.5,0.96218 center font 'DejaVu Sans,13' front
set palette defined (0 '#f7fbff', 0.25 '#c6dbef', 0.5 '#6baed6', 0.75 '#2171b5', 1 '#08306b')
set cbrange [0:0.4444]
set cblabel 'share' offset 1.4,0
set format cb '%.2f'
unset key
set colorbox user origin screen 0.92042,0.12605 size screen 0.01051,0.73950
set object 1 rectangle from graph 0,0 to graph 1,1 behind fillcolor rgb '#dddddd' fillstyle solid noborder
set xrange [-0.5:15.5]
set yrange [5.5:-0.5]
set tics out nomirror scale 0.4
set xtics ('1' 0, '2' 1, '3' 2, '4' 3, '5' 4, '6' 5, '7' 6, '8' 7, '9' 8, '10' 9, '11' 10, '12' 11, '13' 12, '14' 13, '15' 14, '16' 15)
set lmargin at screen 0.06757
set rmargin at screen 0.47598
set tmargin at screen 0.86555
set bmargin at screen 0.56303
set title 'layer 0' offset 0,-0.6
unset xlabel
set ylabel 'expert' offset 0.6,0
set ytics ('0' 0, '1' 1, '2' 2, '3' 3, '4' 4, '5' 5)
plot $panel0 matrix using 1:2:((0) ? NaN : $3) with image, $panel0 matrix using 1:2:(sprintf('%.2f', $3)):(!(0) && $3 > 0.2444 ? 0xffffff : 0x222222) with labels font ',8' tc rgb variable
unset colorbox
unset label 1
set lmargin at screen 0.49399
set rmargin at screen 0.90240
set tmargin at screen 0.86555
set bmargin at screen 0.56303
set title 'layer 1' offset 0,-0.6
set xlabel 'position' offset 0,0.4
unset ylabel
unset ytics
plot $panel1 matrix using 1:2:((0) ? NaN : $3) with image, $panel1 matrix using 1:2:(sprintf('%.2f', $3)):(!(0) && $3 > 0.2444 ? 0xffffff : 0x222222) with labels font ',8' tc rgb variable
set lmargin at screen 0.06757
set rmargin at screen 0.47598
set tmargin at screen 0.42857
set bmargin at screen 0.12605
set title 'layer 2' offset 0,-0.6
set xlabel 'position' offset 0,0.4
set ylabel 'expert' offset 0.6,0
set ytics ('0' 0, '1' 1, '2' 2, '3' 3, '4' 4, '5' 5)
plot $panel2 matrix using 1:2:((0) ? NaN : $3) with image, $panel2 matrix using 1:2:(sprintf('%.2f', $3)):(!(0) && $3 > 0.2444 ? 0xffffff : 0x222222) with labels font ',8' tc rgb variable
unset multiplot
unset output

reset
set terminal pngcairo size 1332,476 noenhanced font 'DejaVu Sans,11' background 'white'
set output 'segment_positions_ruby.png'
set multiplot
set label 1 'Ruby: share of sequences whose segment at a position an expert processes' at screen 0.5,0.96218 center font 'DejaVu Sans,13' front
set palette defined (0 '#f7fbff', 0.25 '#c6dbef', 0.5 '#6baed6', 0.75 '#2171b5', 1 '#08306b')
set cbrange [0:0.4444]
set cblabel 'share' offset 1.4,0
set format cb '%.2f'
unset key
set colorbox user origin screen 0.92042,0.12605 size screen 0.01051,0.73950
set object 1 rectangle from graph 0,0 to graph 1,1 behind fillcolor rgb '#dddddd' fillstyle solid noborder
set xrange [-0.5:15.5]
set yrange [5.5:-0.5]
set tics out nomirror scale 0.4
set xtics ('1' 0, '2' 1, '3' 2, '4' 3, '5' 4, '6' 5, '7' 6, '8' 7, '9' 8, '10' 9, '11' 10, '12' 11, '13' 12, '14' 13, '15' 14, '16' 15)
set lmargin at screen 0.06757
set rmargin at screen 0.47598
set tmargin at screen 0.86555
set bmargin at screen 0.56303
set title 'layer 0' offset 0,-0.6
unset xlabel
set ylabel 'expert' offset 0.6,0
set ytics ('0' 0, '1' 1, '2' 2, '3' 3, '4' 4, '5' 5)
plot $panel0 matrix using 1:2:((0) ? NaN : $3) with image, $panel0 matrix using 1:2:(sprintf('%.2f', $3)):(!(0) && $3 > 0.2444 ? 0xffffff : 0x222222) with labels font ',8' tc rgb variable
unset colorbox
unset label 1
set lmargin at screen 0.49399
set rmargin at screen 0.90240
set tmargin at screen 0.86555
set bmargin at screen 0.56303
set title 'layer 1' offset 0,-0.6
set xlabel 'position' offset 0,0.4
unset ylabel
unset ytics
plot $panel1 matrix using 1:2:((0) ? NaN : $3) with image, $panel1 matrix using 1:2:(sprintf('%.2f', $3)):(!(0) && $3 > 0.2444 ? 0xffffff : 0x222222) with labels font ',8' tc rgb variable
set lmargin at screen 0.06757
set rmargin at screen 0.47598
set tmargin at screen 0.42857
set bmargin at screen 0.12605
set title 'layer 2' offset 0,-0.6
set xlabel 'position' offset 0,0.4
set ylabel 'expert' offset 0.6,0
set ytics ('0' 0, '1' 1, '2' 2, '3' 3, '4' 4, '5' 5)
plot $panel2 matrix using 1:2:((0) ? NaN : $3) with image, $panel2 matrix using 1:2:(sprintf('%.2f', $3)):(!(0) && $3 > 0.2444 ? 0xffffff : 0x222222) with labels font ',8' tc rgb variable
unset multiplot
unset output
