set encoding utf8
$bars0_0 << EOD
206.667 -0.2 0 206.667 -0.384 -0.016
203.889 0.8 0 203.889 0.616 0.984
204.722 1.8 0 204.722 1.616 1.984
203.056 2.8 0 203.056 2.616 2.984
204.167 3.8 0 204.167 3.616 3.984
EOD
$bars0_1 << EOD
24.4444 0.2 0 24.4444 0.016 0.384
131.667 1.2 0 131.667 1.016 1.384
147.5 2.2 0 147.5 2.016 2.384
135.833 3.2 0 135.833 3.016 3.384
163.333 4.2 0 163.333 4.016 4.384
EOD
$whiskers0 << EOD
206.667 -0.2 180.385 229.433
203.889 0.8 177.506 226.929
204.722 1.8 178.369 227.681
203.056 2.8 176.644 226.175
204.167 3.8 177.793 227.179
24.4444 0.2 13.3689 43.3093
131.667 1.2 106.009 158.462
147.5 2.2 121.163 173.992
135.833 3.2 109.969 162.577
163.333 4.2 136.603 189.237
EOD
$dots0 << EOD
231.667 -0.2
180 -0.2
208.333 -0.2
225.833 0.8
184.167 0.8
201.667 0.8
227.5 1.8
180 1.8
206.667 1.8
225.833 2.8
178.333 2.8
205 2.8
229.167 3.8
177.5 3.8
205.833 3.8
34.1667 0.2
21.6667 0.2
17.5 0.2
179.167 1.2
94.1667 1.2
121.667 1.2
190 2.2
106.667 2.2
145.833 2.2
183.333 3.2
95 3.2
129.167 3.2
210.833 4.2
112.5 4.2
166.667 4.2
EOD
$bars1_0 << EOD
40.4 -0.2 0 40.4 -0.384 -0.016
37.8 0.8 0 37.8 0.616 0.984
30.9 1.8 0 30.9 1.616 1.984
33.3 2.8 0 33.3 2.616 2.984
27.3 3.8 0 27.3 3.616 3.984
EOD
$bars1_1 << EOD
3.9 0.2 0 3.9 0.016 0.384
26.7 1.2 0 26.7 1.016 1.384
16.8 2.2 0 16.8 2.016 2.384
22.3 3.2 0 22.3 3.016 3.384
22.5 4.2 0 22.5 4.016 4.384
EOD

reset
set terminal svg size 700,280 noenhanced font 'DejaVu Sans,11' background 'white'
set output 'table2.svg'
set multiplot
set label 1 'Table 2: what each part of MultiPL-MoE adds' at screen 0.5,0.93571 center font 'DejaVu Sans,13' front
set object 2 rectangle from screen 0.25000,0.81786 to screen 0.26714,0.85357 fillcolor rgb '#4477aa' fillstyle solid noborder
set label 2 'high-resource' at screen 0.27571,0.83571 left front
set object 3 rectangle from screen 0.45857,0.81786 to screen 0.47571,0.85357 fillcolor rgb '#ee8866' fillstyle solid noborder
set label 3 'low-resource' at screen 0.48429,0.83571 left front
set label 104 '' at screen 0.66571,0.83571 point pt 7 ps 0.5 lc rgb '#333333' front
set label 4 'a seed' at screen 0.68143,0.83571 left front
unset key
set yrange [4.5:-0.5]
set tics out nomirror scale 0.4
set grid xtics lt 1 lw 1 lc rgb '#dddddd'
set border 3 lc rgb '#888888'
set lmargin at screen 0.32000
set rmargin at screen 0.62429
set tmargin at screen 0.70000
set bmargin at screen 0.20000
set title 'sum of three languages' offset 0,-0.6 tc rgb 'black'
set xlabel 'sum of pass@1, %' offset 0,0.4
set xrange [0:243.25]
set xtics 50
set xtics tc rgb 'black'
set ytics ('base' 0, 'MultiPL-MoE' 1, 'without segments' 2, 'without the shared expert' 3, 'without both' 4) nomirror scale 0.4 tc rgb 'black'
plot $bars0_0 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#4477aa' notitle, $bars0_1 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#ee8866' notitle, $whiskers0 using 1:2:3:4 with xerrorbars pt 0 ps 0 lw 1 lc rgb '#555555' notitle, $dots0 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle
unset label
unset object
set lmargin at screen 0.66143
set rmargin at screen 0.96571
set tmargin at screen 0.70000
set bmargin at screen 0.20000
set title 'the paper''s own (HumanEval)' offset 0,-0.6 tc rgb '#777777'
set xlabel 'sum of pass@1, %' offset 0,0.4
set xrange [0:42.42]
set xtics 10
set xtics tc rgb 'black'
unset ytics
plot $bars1_0 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#999999' notitle, $bars1_1 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#cccccc' notitle
unset multiplot
unset output

reset
set terminal pngcairo size 700,280 noenhanced font 'DejaVu Sans,11' background 'white'
set output 'table2.png'
set multiplot
set label 1 'Table 2: what each part of MultiPL-MoE adds' at screen 0.5,0.93571 center font 'DejaVu Sans,13' front
set object 2 rectangle from screen 0.25000,0.81786 to screen 0.26714,0.85357 fillcolor rgb '#4477aa' fillstyle solid noborder
set label 2 'high-resource' at screen 0.27571,0.83571 left front
set object 3 rectangle from screen 0.45857,0.81786 to screen 0.47571,0.85357 fillcolor rgb '#ee8866' fillstyle solid noborder
set label 3 'low-resource' at screen 0.48429,0.83571 left front
set label 104 '' at screen 0.66571,0.83571 point pt 7 ps 0.5 lc rgb '#333333' front
set label 4 'a seed' at screen 0.68143,0.83571 left front
unset key
set yrange [4.5:-0.5]
set tics out nomirror scale 0.4
set grid xtics lt 1 lw 1 lc rgb '#dddddd'
set border 3 lc rgb '#888888'
set lmargin at screen 0.32000
set rmargin at screen 0.62429
set tmargin at screen 0.70000
set bmargin at screen 0.20000
set title 'sum of three languages' offset 0,-0.6 tc rgb 'black'
set xlabel 'sum of pass@1, %' offset 0,0.4
set xrange [0:243.25]
set xtics 50
set xtics tc rgb 'black'
set ytics ('base' 0, 'MultiPL-MoE' 1, 'without segments' 2, 'without the shared expert' 3, 'without both' 4) nomirror scale 0.4 tc rgb 'black'
plot $bars0_0 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#4477aa' notitle, $bars0_1 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#ee8866' notitle, $whiskers0 using 1:2:3:4 with xerrorbars pt 0 ps 0 lw 1 lc rgb '#555555' notitle, $dots0 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle
unset label
unset object
set lmargin at screen 0.66143
set rmargin at screen 0.96571
set tmargin at screen 0.70000
set bmargin at screen 0.20000
set title 'the paper''s own (HumanEval)' offset 0,-0.6 tc rgb '#777777'
set xlabel 'sum of pass@1, %' offset 0,0.4
set xrange [0:42.42]
set xtics 10
set xtics tc rgb 'black'
unset ytics
plot $bars1_0 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#999999' notitle, $bars1_1 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#cccccc' notitle
unset multiplot
unset output
