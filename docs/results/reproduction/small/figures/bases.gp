set encoding utf8
$bars0_0 << EOD
51.1111 -0.2 0 51.1111 -0.384 -0.016
51.4815 0.8 0 51.4815 0.616 0.984
40.6481 1.8 0 40.6481 1.616 1.984
51.1111 2.8 0 51.1111 2.616 2.984
46.6667 3.8 0 46.6667 3.616 3.984
EOD
$bars0_1 << EOD
5.55556 0.2 0 5.55556 0.016 0.384
51.2963 1.2 0 51.2963 1.016 1.384
14.537 2.2 0 14.537 2.016 2.384
45.3704 3.2 0 45.3704 3.016 3.384
12.5926 4.2 0 12.5926 4.016 4.384
EOD
$whiskers0 << EOD
51.1111 -0.2 42.2726 59.8807
51.4815 0.8 42.6331 60.2379
40.6481 1.8 32.2826 49.5938
51.1111 2.8 42.2726 59.8807
46.6667 3.8 37.9829 55.5572
5.55556 0.2 2.67084 11.1975
51.2963 1.2 42.4528 60.0593
14.537 2.2 9.3325 21.9416
45.3704 3.2 36.7445 54.2835
12.5926 4.2 7.79569 19.7102
EOD
$dots0 << EOD
42.5 -0.2
53.6111 -0.2
57.2222 -0.2
51.1111 0.8
49.1667 0.8
54.1667 0.8
41.1111 1.8
44.7222 1.8
36.1111 1.8
51.1111 2.8
49.7222 2.8
52.5 2.8
39.4444 3.8
51.1111 3.8
49.4444 3.8
5.83333 0.2
3.88889 0.2
6.94444 0.2
42.7778 1.2
51.3889 1.2
59.7222 1.2
18.0556 2.2
14.4444 2.2
11.1111 2.2
42.2222 3.2
44.1667 3.2
49.7222 3.2
10 4.2
16.3889 4.2
11.3889 4.2
EOD
$bars1_0 << EOD
68.8889 -0.2 0 68.8889 -0.384 -0.016
65.8333 0.8 0 65.8333 0.616 0.984
67.963 1.8 0 67.963 1.616 1.984
64.9074 2.8 0 64.9074 2.616 2.984
67.6852 3.8 0 67.6852 3.616 3.984
EOD
$bars1_1 << EOD
8.14815 0.2 0 8.14815 0.016 0.384
60.2778 1.2 0 60.2778 1.016 1.384
43.8889 2.2 0 43.8889 2.016 2.384
57.2222 3.2 0 57.2222 3.016 3.384
52.4074 4.2 0 52.4074 4.016 4.384
EOD
$whiskers1 << EOD
68.8889 -0.2 60.1284 76.4776
65.8333 0.8 56.9748 73.7096
67.963 1.8 59.1687 75.6428
64.9074 2.8 56.0267 72.8633
67.6852 3.8 58.8815 75.3917
8.14815 0.2 4.45629 14.4364
60.2778 1.2 51.335 68.5829
43.8889 2.2 35.3363 52.8206
57.2222 3.2 48.2815 65.7149
52.4074 4.2 43.5365 61.129
EOD
$dots1 << EOD
77.2222 -0.2
60 -0.2
69.4444 -0.2
77.2222 0.8
54.1667 0.8
66.1111 0.8
75.2778 1.8
61.3889 1.8
67.2222 1.8
76.9444 2.8
52.5 2.8
65.2778 2.8
75 3.8
59.7222 3.8
68.3333 3.8
11.3889 0.2
7.22222 0.2
5.83333 0.2
73.6111 1.2
50 1.2
57.2222 1.2
59.7222 2.2
31.3889 2.2
40.5556 2.2
69.1667 3.2
48.3333 3.2
54.1667 3.2
66.3889 4.2
37.5 4.2
53.3333 4.2
EOD
$bars2_0 << EOD
63.3333 -0.2 0 63.3333 -0.384 -0.016
64.9074 0.8 0 64.9074 0.616 0.984
62.7778 1.8 0 62.7778 1.616 1.984
64.4444 2.8 0 64.4444 2.616 2.984
63.0556 3.8 0 63.0556 3.616 3.984
EOD
$bars2_1 << EOD
20.463 0.2 0 20.463 0.016 0.384
63.3333 1.2 0 63.3333 1.016 1.384
47.4074 2.2 0 47.4074 2.016 2.384
56.6667 3.2 0 56.6667 3.016 3.384
54.0741 4.2 0 54.0741 4.016 4.384
EOD
$whiskers2 << EOD
63.3333 -0.2 54.4224 71.4171
64.9074 0.8 56.0267 72.8633
62.7778 1.8 53.8585 70.9044
64.4444 2.8 55.5538 72.4389
63.0556 3.8 54.1403 71.1609
20.463 0.2 14.215 28.5433
63.3333 1.2 54.4224 71.4171
47.4074 2.2 38.6932 56.2825
56.6667 3.2 47.7299 65.1898
54.0741 4.2 45.1699 62.7255
EOD
$dots2 << EOD
77.5 -0.2
46.1111 -0.2
66.3889 -0.2
75 0.8
53.6111 0.8
66.1111 0.8
76.3889 1.8
45.2778 1.8
66.6667 1.8
74.4444 2.8
51.9444 2.8
66.9444 2.8
76.6667 3.8
45.5556 3.8
66.9444 3.8
27.5 0.2
15 0.2
18.8889 0.2
71.6667 1.2
55.2778 1.2
63.0556 1.2
61.6667 2.2
30 2.2
50.5556 2.2
69.4444 3.2
49.1667 3.2
51.3889 3.2
68.0556 4.2
36.1111 4.2
58.0556 4.2
EOD
$bars3_0 << EOD
44.8148 -0.2 0 44.8148 -0.384 -0.016
52.037 0.8 0 52.037 0.616 0.984
45.463 1.8 0 45.463 1.616 1.984
50.9259 2.8 0 50.9259 2.616 2.984
45.9259 3.8 0 45.9259 3.616 3.984
EOD
$bars3_1 << EOD
26.8519 0.2 0 26.8519 0.016 0.384
51.4815 1.2 0 51.4815 1.016 1.384
37.963 2.2 0 37.963 2.016 2.384
50.0926 3.2 0 50.0926 3.016 3.384
39.2593 4.2 0 39.2593 4.016 4.384
EOD
$whiskers3 << EOD
44.8148 -0.2 36.2155 53.7358
52.037 0.8 43.1748 60.7729
45.463 1.8 36.8328 54.3746
50.9259 2.8 42.0925 59.7019
45.9259 3.8 37.2745 54.8301
26.8519 0.2 19.7314 35.4084
51.4815 1.2 42.6331 60.2379
37.963 2.2 29.7811 46.8916
50.0926 3.2 41.2836 58.8958
39.2593 4.2 30.9854 48.1994
EOD
$dots3 << EOD
39.4444 -0.2
22.5 -0.2
72.5 -0.2
48.8889 0.8
33.3333 0.8
73.8889 0.8
39.7222 1.8
23.8889 1.8
72.7778 1.8
49.1667 2.8
32.5 2.8
71.1111 2.8
40.2778 3.8
22.2222 3.8
75.2778 3.8
20.5556 0.2
11.6667 0.2
48.3333 0.2
45.8333 1.2
34.4444 1.2
74.1667 1.2
28.8889 2.2
17.5 2.2
67.5 2.2
44.7222 3.2
34.4444 3.2
71.1111 3.2
28.6111 4.2
18.3333 4.2
70.8333 4.2
EOD

reset
set terminal svg size 846,482 noenhanced font 'DejaVu Sans,11' background 'white'
set output 'bases.svg'
set multiplot
set label 1 'What the base has read: shares of low-resource code in its training' at screen 0.5,0.96266 center font 'DejaVu Sans,13' front
set object 2 rectangle from screen 0.29314,0.89419 to screen 0.30733,0.91494 fillcolor rgb '#4477aa' fillstyle solid noborder
set label 2 'high-resource' at screen 0.31442,0.90456 left front
set object 3 rectangle from screen 0.46572,0.89419 to screen 0.47991,0.91494 fillcolor rgb '#ee8866' fillstyle solid noborder
set label 3 'low-resource' at screen 0.48700,0.90456 left front
set label 104 '' at screen 0.63712,0.90456 point pt 7 ps 0.5 lc rgb '#333333' front
set label 4 'a seed' at screen 0.65012,0.90456 left front
unset key
set yrange [4.5:-0.5]
set tics out nomirror scale 0.4
set grid xtics lt 1 lw 1 lc rgb '#dddddd'
set border 3 lc rgb '#888888'
set lmargin at screen 0.44444
set rmargin at screen 0.69267
set tmargin at screen 0.82573
set bmargin at screen 0.53527
set title '0 % low-resource code' offset 0,-0.6 tc rgb 'black'
set xlabel '' offset 0,0.4
set xrange [0:81.375]
set xtics 20
set xtics tc rgb 'black'
set ytics ('base' 0, 'post-pretraining' 1, 'MultiPL-MoE' 2, 'MultiPL-MoE, all weights trained' 3, 'post-pretraining, feed-forward networks only' 4) nomirror scale 0.4 tc rgb 'black'
plot $bars0_0 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#4477aa' notitle, $bars0_1 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#ee8866' notitle, $whiskers0 using 1:2:3:4 with xerrorbars pt 0 ps 0 lw 1 lc rgb '#555555' notitle, $dots0 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle
unset label
unset object
set lmargin at screen 0.72340
set rmargin at screen 0.97163
set tmargin at screen 0.82573
set bmargin at screen 0.53527
set title '0.5 % low-resource code' offset 0,-0.6 tc rgb 'black'
set xlabel '' offset 0,0.4
set xrange [0:81.375]
set xtics 20
set xtics tc rgb 'black'
unset ytics
plot $bars1_0 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#4477aa' notitle, $bars1_1 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#ee8866' notitle, $whiskers1 using 1:2:3:4 with xerrorbars pt 0 ps 0 lw 1 lc rgb '#555555' notitle, $dots1 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle
set lmargin at screen 0.44444
set rmargin at screen 0.69267
set tmargin at screen 0.40664
set bmargin at screen 0.11618
set title '1 % low-resource code' offset 0,-0.6 tc rgb 'black'
set xlabel 'pass@1, %' offset 0,0.4
set xrange [0:81.375]
set xtics 20
set xtics tc rgb 'black'
set ytics ('base' 0, 'post-pretraining' 1, 'MultiPL-MoE' 2, 'MultiPL-MoE, all weights trained' 3, 'post-pretraining, feed-forward networks only' 4) nomirror scale 0.4 tc rgb 'black'
plot $bars2_0 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#4477aa' notitle, $bars2_1 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#ee8866' notitle, $whiskers2 using 1:2:3:4 with xerrorbars pt 0 ps 0 lw 1 lc rgb '#555555' notitle, $dots2 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle
set lmargin at screen 0.72340
set rmargin at screen 0.97163
set tmargin at screen 0.40664
set bmargin at screen 0.11618
set title '3 % low-resource code' offset 0,-0.6 tc rgb 'black'
set xlabel 'pass@1, %' offset 0,0.4
set xrange [0:81.375]
set xtics 20
set xtics tc rgb 'black'
unset ytics
plot $bars3_0 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#4477aa' notitle, $bars3_1 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#ee8866' notitle, $whiskers3 using 1:2:3:4 with xerrorbars pt 0 ps 0 lw 1 lc rgb '#555555' notitle, $dots3 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle
unset multiplot
unset output

reset
set terminal pngcairo size 846,482 noenhanced font 'DejaVu Sans,11' background 'white'
set output 'bases.png'
set multiplot
set label 1 'What the base has read: shares of low-resource code in its training' at screen 0.5,0.96266 center font 'DejaVu Sans,13' front
set object 2 rectangle from screen 0.29314,0.89419 to screen 0.30733,0.91494 fillcolor rgb '#4477aa' fillstyle solid noborder
set label 2 'high-resource' at screen 0.31442,0.90456 left front
set object 3 rectangle from screen 0.46572,0.89419 to screen 0.47991,0.91494 fillcolor rgb '#ee8866' fillstyle solid noborder
set label 3 'low-resource' at screen 0.48700,0.90456 left front
set label 104 '' at screen 0.63712,0.90456 point pt 7 ps 0.5 lc rgb '#333333' front
set label 4 'a seed' at screen 0.65012,0.90456 left front
unset key
set yrange [4.5:-0.5]
set tics out nomirror scale 0.4
set grid xtics lt 1 lw 1 lc rgb '#dddddd'
set border 3 lc rgb '#888888'
set lmargin at screen 0.44444
set rmargin at screen 0.69267
set tmargin at screen 0.82573
set bmargin at screen 0.53527
set title '0 % low-resource code' offset 0,-0.6 tc rgb 'black'
set xlabel '' offset 0,0.4
set xrange [0:81.375]
set xtics 20
set xtics tc rgb 'black'
set ytics ('base' 0, 'post-pretraining' 1, 'MultiPL-MoE' 2, 'MultiPL-MoE, all weights trained' 3, 'post-pretraining, feed-forward networks only' 4) nomirror scale 0.4 tc rgb 'black'
plot $bars0_0 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#4477aa' notitle, $bars0_1 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#ee8866' notitle, $whiskers0 using 1:2:3:4 with xerrorbars pt 0 ps 0 lw 1 lc rgb '#555555' notitle, $dots0 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle
unset label
unset object
set lmargin at screen 0.72340
set rmargin at screen 0.97163
set tmargin at screen 0.82573
set bmargin at screen 0.53527
set title '0.5 % low-resource code' offset 0,-0.6 tc rgb 'black'
set xlabel '' offset 0,0.4
set xrange [0:81.375]
set xtics 20
set xtics tc rgb 'black'
unset ytics
plot $bars1_0 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#4477aa' notitle, $bars1_1 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#ee8866' notitle, $whiskers1 using 1:2:3:4 with xerrorbars pt 0 ps 0 lw 1 lc rgb '#555555' notitle, $dots1 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle
set lmargin at screen 0.44444
set rmargin at screen 0.69267
set tmargin at screen 0.40664
set bmargin at screen 0.11618
set title '1 % low-resource code' offset 0,-0.6 tc rgb 'black'
set xlabel 'pass@1, %' offset 0,0.4
set xrange [0:81.375]
set xtics 20
set xtics tc rgb 'black'
set ytics ('base' 0, 'post-pretraining' 1, 'MultiPL-MoE' 2, 'MultiPL-MoE, all weights trained' 3, 'post-pretraining, feed-forward networks only' 4) nomirror scale 0.4 tc rgb 'black'
plot $bars2_0 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#4477aa' notitle, $bars2_1 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#ee8866' notitle, $whiskers2 using 1:2:3:4 with xerrorbars pt 0 ps 0 lw 1 lc rgb '#555555' notitle, $dots2 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle
set lmargin at screen 0.72340
set rmargin at screen 0.97163
set tmargin at screen 0.40664
set bmargin at screen 0.11618
set title '3 % low-resource code' offset 0,-0.6 tc rgb 'black'
set xlabel 'pass@1, %' offset 0,0.4
set xrange [0:81.375]
set xtics 20
set xtics tc rgb 'black'
unset ytics
plot $bars3_0 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#4477aa' notitle, $bars3_1 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#ee8866' notitle, $whiskers3 using 1:2:3:4 with xerrorbars pt 0 ps 0 lw 1 lc rgb '#555555' notitle, $dots3 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle
unset multiplot
unset output
