set encoding utf8
$bars0_0 << EOD
68.8889 -0.2 0 68.8889 -0.384 -0.016
67.2222 0.8 0 67.2222 0.616 0.984
67.963 1.8 0 67.963 1.616 1.984
68.8889 2.8 0 68.8889 2.616 2.984
68.3333 3.8 0 68.3333 3.616 3.984
EOD
$bars0_1 << EOD
8.14815 0.2 0 8.14815 0.016 0.384
8.51852 1.2 0 8.51852 1.016 1.384
43.8889 2.2 0 43.8889 2.016 2.384
8.14815 3.2 0 8.14815 3.016 3.384
51.9444 4.2 0 51.9444 4.016 4.384
EOD
$whiskers0 << EOD
68.8889 -0.2 60.1284 76.4776
67.2222 0.8 58.4035 74.9725
67.963 1.8 59.1687 75.6428
68.8889 2.8 60.1284 76.4776
68.3333 3.8 59.5521 75.9772
8.14815 0.2 4.45629 14.4364
8.51852 1.2 4.72307 14.8874
43.8889 2.2 35.3363 52.8206
8.14815 3.2 4.45629 14.4364
51.9444 4.2 43.0845 60.6838
EOD
$dots0 << EOD
77.2222 -0.2
60 -0.2
69.4444 -0.2
76.3889 0.8
57.2222 0.8
68.0556 0.8
75.2778 1.8
61.3889 1.8
67.2222 1.8
77.2222 2.8
60 2.8
69.4444 2.8
75 3.8
60.5556 3.8
69.4444 3.8
11.3889 0.2
7.22222 0.2
5.83333 0.2
11.3889 1.2
8.33333 1.2
5.83333 1.2
59.7222 2.2
31.3889 2.2
40.5556 2.2
11.3889 3.2
7.22222 3.2
5.83333 3.2
66.6667 4.2
36.1111 4.2
53.0556 4.2
EOD

reset
set terminal svg size 700,280 noenhanced font 'DejaVu Sans,11' background 'white'
set output 'step0.svg'
set multiplot
set label 1 'MultiPL-MoE before and after its training' at screen 0.5,0.93571 center font 'DejaVu Sans,13' front
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
set lmargin at screen 0.37714
set rmargin at screen 0.96571
set tmargin at screen 0.70000
set bmargin at screen 0.20000
set title 'mean of three languages' offset 0,-0.6 tc rgb 'black'
set xlabel 'pass@1, %' offset 0,0.4
set xrange [0:81.0833]
set xtics 20
set xtics tc rgb 'black'
set ytics ('base' 0, 'MultiPL-MoE, untrained' 1, 'MultiPL-MoE' 2, 'MultiPL-MoE, causal, untrained' 3, 'MultiPL-MoE, causal' 4) nomirror scale 0.4 tc rgb 'black'
plot $bars0_0 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#4477aa' notitle, $bars0_1 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#ee8866' notitle, $whiskers0 using 1:2:3:4 with xerrorbars pt 0 ps 0 lw 1 lc rgb '#555555' notitle, $dots0 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle
unset label
unset object
unset multiplot
unset output

reset
set terminal pngcairo size 700,280 noenhanced font 'DejaVu Sans,11' background 'white'
set output 'step0.png'
set multiplot
set label 1 'MultiPL-MoE before and after its training' at screen 0.5,0.93571 center font 'DejaVu Sans,13' front
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
set lmargin at screen 0.37714
set rmargin at screen 0.96571
set tmargin at screen 0.70000
set bmargin at screen 0.20000
set title 'mean of three languages' offset 0,-0.6 tc rgb 'black'
set xlabel 'pass@1, %' offset 0,0.4
set xrange [0:81.0833]
set xtics 20
set xtics tc rgb 'black'
set ytics ('base' 0, 'MultiPL-MoE, untrained' 1, 'MultiPL-MoE' 2, 'MultiPL-MoE, causal, untrained' 3, 'MultiPL-MoE, causal' 4) nomirror scale 0.4 tc rgb 'black'
plot $bars0_0 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#4477aa' notitle, $bars0_1 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#ee8866' notitle, $whiskers0 using 1:2:3:4 with xerrorbars pt 0 ps 0 lw 1 lc rgb '#555555' notitle, $dots0 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle
unset label
unset object
unset multiplot
unset output
