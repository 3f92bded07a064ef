set encoding utf8
$bars0_0 << EOD
68.8889 -0.2 0 68.8889 -0.384 -0.016
65.8333 0.8 0 65.8333 0.616 0.984
64.1667 1.8 0 64.1667 1.616 1.984
66.3889 2.8 0 66.3889 2.616 2.984
65.9259 3.8 0 65.9259 3.616 3.984
65.6481 4.8 0 65.6481 4.616 4.984
67.963 5.8 0 67.963 5.616 5.984
68.3333 6.8 0 68.3333 6.616 6.984
EOD
$bars0_1 << EOD
8.14815 0.2 0 8.14815 0.016 0.384
60.2778 1.2 0 60.2778 1.016 1.384
39.537 2.2 0 39.537 2.016 2.384
61.3889 3.2 0 61.3889 3.016 3.384
60.9259 4.2 0 60.9259 4.016 4.384
61.0185 5.2 0 61.0185 5.016 5.384
43.8889 6.2 0 43.8889 6.016 6.384
51.9444 7.2 0 51.9444 7.016 7.384
EOD
$whiskers0 << EOD
68.8889 -0.2 60.1284 76.4776
65.8333 0.8 56.9748 73.7096
64.1667 1.8 55.2705 72.1839
66.3889 2.8 57.5454 74.2157
65.9259 3.8 57.0698 73.794
65.6481 4.8 56.7849 73.5406
67.963 5.8 59.1687 75.6428
68.3333 6.8 59.5521 75.9772
8.14815 0.2 4.45629 14.4364
60.2778 1.2 51.335 68.5829
39.537 2.2 31.2443 48.4789
61.3889 3.2 52.4537 69.6175
60.9259 4.2 51.987 69.187
61.0185 5.2 52.0803 69.2732
43.8889 6.2 35.3363 52.8206
51.9444 7.2 43.0845 60.6838
EOD
$dots0 << EOD
77.2222 -0.2
60 -0.2
69.4444 -0.2
77.2222 0.8
54.1667 0.8
66.1111 0.8
71.9444 1.8
54.4444 1.8
66.1111 1.8
77.2222 2.8
54.7222 2.8
67.2222 2.8
75.5556 3.8
55.2778 3.8
66.9444 3.8
77.2222 4.8
53.6111 4.8
66.1111 4.8
75.2778 5.8
61.3889 5.8
67.2222 5.8
75 6.8
60.5556 6.8
69.4444 6.8
11.3889 0.2
7.22222 0.2
5.83333 0.2
73.6111 1.2
50 1.2
57.2222 1.2
47.5 2.2
30.5556 2.2
40.5556 2.2
72.7778 3.2
53.6111 3.2
57.7778 3.2
71.3889 4.2
51.9444 4.2
59.4444 4.2
73.0556 5.2
51.3889 5.2
58.6111 5.2
59.7222 6.2
31.3889 6.2
40.5556 6.2
66.6667 7.2
36.1111 7.2
53.0556 7.2
EOD
$bars1_0 << EOD
13.4667 -0.2 0 13.4667 -0.384 -0.016
12.6 5.8 0 12.6 5.616 5.984
EOD
$bars1_1 << EOD
1.3 0.2 0 1.3 0.016 0.384
8.9 6.2 0 8.9 6.016 6.384
EOD

reset
set terminal svg size 700,364 noenhanced font 'DejaVu Sans,11' background 'white'
set output 'figure1.svg'
set multiplot
set label 1 'Figure 1: high-resource against low-resource languages' at screen 0.5,0.95055 center font 'DejaVu Sans,13' front
set object 2 rectangle from screen 0.25000,0.85989 to screen 0.26714,0.88736 fillcolor rgb '#4477aa' fillstyle solid noborder
set label 2 'high-resource' at screen 0.27571,0.87363 left front
set object 3 rectangle from screen 0.45857,0.85989 to screen 0.47571,0.88736 fillcolor rgb '#ee8866' fillstyle solid noborder
set label 3 'low-resource' at screen 0.48429,0.87363 left front
set label 104 '' at screen 0.66571,0.87363 point pt 7 ps 0.5 lc rgb '#333333' front
set label 4 'a seed' at screen 0.68143,0.87363 left front
unset key
set yrange [7.5:-0.5]
set tics out nomirror scale 0.4
set grid xtics lt 1 lw 1 lc rgb '#dddddd'
set border 3 lc rgb '#888888'
set lmargin at screen 0.25143
set rmargin at screen 0.59000
set tmargin at screen 0.76923
set bmargin at screen 0.15385
set title 'mean of three languages' offset 0,-0.6 tc rgb 'black'
set xlabel 'pass@1, %' offset 0,0.4
set xrange [0:81.0833]
set xtics 20
set xtics tc rgb 'black'
set ytics ('base' 0, 'post-pretraining' 1, 'LoRA' 2, 'GShard' 3, 'Mixtral' 4, 'Qwen1.5-MoE' 5, 'MultiPL-MoE' 6, 'MultiPL-MoE, causal' 7) nomirror scale 0.4 tc rgb 'black'
plot $bars0_0 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#4477aa' notitle, $bars0_1 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#ee8866' notitle, $whiskers0 using 1:2:3:4 with xerrorbars pt 0 ps 0 lw 1 lc rgb '#555555' notitle, $dots0 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle
unset label
unset object
set lmargin at screen 0.62714
set rmargin at screen 0.96571
set tmargin at screen 0.76923
set bmargin at screen 0.15385
set title 'the paper''s own (HumanEval)' offset 0,-0.6 tc rgb '#777777'
set xlabel 'pass@1, %' offset 0,0.4
set xrange [0:14.14]
set xtics 5
set xtics tc rgb 'black'
unset ytics
plot $bars1_0 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#999999' notitle, $bars1_1 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#cccccc' notitle
unset multiplot
unset output

reset
set terminal pngcairo size 700,364 noenhanced font 'DejaVu Sans,11' background 'white'
set output 'figure1.png'
set multiplot
set label 1 'Figure 1: high-resource against low-resource languages' at screen 0.5,0.95055 center font 'DejaVu Sans,13' front
set object 2 rectangle from screen 0.25000,0.85989 to screen 0.26714,0.88736 fillcolor rgb '#4477aa' fillstyle solid noborder
set label 2 'high-resource' at screen 0.27571,0.87363 left front
set object 3 rectangle from screen 0.45857,0.85989 to screen 0.47571,0.88736 fillcolor rgb '#ee8866' fillstyle solid noborder
set label 3 'low-resource' at screen 0.48429,0.87363 left front
set label 104 '' at screen 0.66571,0.87363 point pt 7 ps 0.5 lc rgb '#333333' front
set label 4 'a seed' at screen 0.68143,0.87363 left front
unset key
set yrange [7.5:-0.5]
set tics out nomirror scale 0.4
set grid xtics lt 1 lw 1 lc rgb '#dddddd'
set border 3 lc rgb '#888888'
set lmargin at screen 0.25143
set rmargin at screen 0.59000
set tmargin at screen 0.76923
set bmargin at screen 0.15385
set title 'mean of three languages' offset 0,-0.6 tc rgb 'black'
set xlabel 'pass@1, %' offset 0,0.4
set xrange [0:81.0833]
set xtics 20
set xtics tc rgb 'black'
set ytics ('base' 0, 'post-pretraining' 1, 'LoRA' 2, 'GShard' 3, 'Mixtral' 4, 'Qwen1.5-MoE' 5, 'MultiPL-MoE' 6, 'MultiPL-MoE, causal' 7) nomirror scale 0.4 tc rgb 'black'
plot $bars0_0 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#4477aa' notitle, $bars0_1 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#ee8866' notitle, $whiskers0 using 1:2:3:4 with xerrorbars pt 0 ps 0 lw 1 lc rgb '#555555' notitle, $dots0 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle
unset label
unset object
set lmargin at screen 0.62714
set rmargin at screen 0.96571
set tmargin at screen 0.76923
set bmargin at screen 0.15385
set title 'the paper''s own (HumanEval)' offset 0,-0.6 tc rgb '#777777'
set xlabel 'pass@1, %' offset 0,0.4
set xrange [0:14.14]
set xtics 5
set xtics tc rgb 'black'
unset ytics
plot $bars1_0 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#999999' notitle, $bars1_1 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#cccccc' notitle
unset multiplot
unset output
