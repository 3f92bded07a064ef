set encoding utf8
$bars0_0 << EOD
48.0556 -0.2 0 48.0556 -0.384 -0.016
50.1389 0.8 0 50.1389 0.616 0.984
42.9167 1.8 0 42.9167 1.616 1.984
50.4167 2.8 0 50.4167 2.616 2.984
45.2778 3.8 0 45.2778 3.616 3.984
EOD
$bars0_1 << EOD
4.86111 0.2 0 4.86111 0.016 0.384
47.0833 1.2 0 47.0833 1.016 1.384
16.25 2.2 0 16.25 2.016 2.384
43.1944 3.2 0 43.1944 3.016 3.384
13.1944 4.2 0 13.1944 4.016 4.384
EOD
$whiskers0 << EOD
48.0556 -0.2 39.3162 56.9155
50.1389 0.8 41.3285 58.9407
42.9167 1.8 34.4163 51.8565
50.4167 2.8 41.5979 59.2096
45.2778 3.8 36.6563 54.1922
4.86111 0.2 2.22318 10.2994
47.0833 1.2 38.3822 55.9654
16.25 2.2 10.7158 23.878
43.1944 3.2 34.6788 52.1323
13.1944 4.2 8.26725 20.405
EOD
$dots0 << EOD
42.5 -0.2
53.6111 -0.2
51.1111 0.8
49.1667 0.8
41.1111 1.8
44.7222 1.8
51.1111 2.8
49.7222 2.8
39.4444 3.8
51.1111 3.8
5.83333 0.2
3.88889 0.2
42.7778 1.2
51.3889 1.2
18.0556 2.2
14.4444 2.2
42.2222 3.2
44.1667 3.2
10 4.2
16.3889 4.2
EOD
$bars1_0 << EOD
68.6111 -0.2 0 68.6111 -0.384 -0.016
65.6944 0.8 0 65.6944 0.616 0.984
68.3333 1.8 0 68.3333 1.616 1.984
64.7222 2.8 0 64.7222 2.616 2.984
67.3611 3.8 0 67.3611 3.616 3.984
EOD
$bars1_1 << EOD
9.30556 0.2 0 9.30556 0.016 0.384
61.8056 1.2 0 61.8056 1.016 1.384
45.5556 2.2 0 45.5556 2.016 2.384
58.75 3.2 0 58.75 3.016 3.384
51.9444 4.2 0 51.9444 4.016 4.384
EOD
$whiskers1 << EOD
68.6111 -0.2 59.8401 76.2275
65.6944 0.8 56.8324 73.5828
68.3333 1.8 59.5521 75.9772
64.7222 2.8 55.8374 72.6937
67.3611 3.8 58.5468 75.0984
9.30556 0.2 5.29791 15.8378
61.8056 1.2 52.8744 70.0043
45.5556 2.2 36.9211 54.4658
58.75 3.2 49.8041 67.1531
51.9444 4.2 43.0845 60.6838
EOD
$dots1 << EOD
77.2222 -0.2
60 -0.2
77.2222 0.8
54.1667 0.8
75.2778 1.8
61.3889 1.8
76.9444 2.8
52.5 2.8
75 3.8
59.7222 3.8
11.3889 0.2
7.22222 0.2
73.6111 1.2
50 1.2
59.7222 2.2
31.3889 2.2
69.1667 3.2
48.3333 3.2
66.3889 4.2
37.5 4.2
EOD
$bars2_0 << EOD
61.8056 -0.2 0 61.8056 -0.384 -0.016
64.3056 0.8 0 64.3056 0.616 0.984
60.8333 1.8 0 60.8333 1.616 1.984
63.1944 2.8 0 63.1944 2.616 2.984
61.1111 3.8 0 61.1111 3.616 3.984
EOD
$bars2_1 << EOD
21.25 0.2 0 21.25 0.016 0.384
63.4722 1.2 0 63.4722 1.016 1.384
45.8333 2.2 0 45.8333 2.016 2.384
59.3056 3.2 0 59.3056 3.016 3.384
52.0833 4.2 0 52.0833 4.016 4.384
EOD
$whiskers2 << EOD
61.8056 -0.2 52.8744 70.0043
64.3056 0.8 55.4121 72.3115
60.8333 1.8 51.8938 69.1008
63.1944 2.8 54.2813 71.289
61.1111 3.8 52.1736 69.3593
21.25 0.2 14.8821 29.4015
63.4722 1.2 54.5636 71.5451
45.8333 2.2 37.1861 54.739
59.3056 3.2 50.3598 67.674
52.0833 4.2 43.22 60.8174
EOD
$dots2 << EOD
77.5 -0.2
46.1111 -0.2
75 0.8
53.6111 0.8
76.3889 1.8
45.2778 1.8
74.4444 2.8
51.9444 2.8
76.6667 3.8
45.5556 3.8
27.5 0.2
15 0.2
71.6667 1.2
55.2778 1.2
61.6667 2.2
30 2.2
69.4444 3.2
49.1667 3.2
68.0556 4.2
36.1111 4.2
EOD
$bars3_0 << EOD
30.9722 -0.2 0 30.9722 -0.384 -0.016
41.1111 0.8 0 41.1111 0.616 0.984
31.8056 1.8 0 31.8056 1.616 1.984
40.8333 2.8 0 40.8333 2.616 2.984
31.25 3.8 0 31.25 3.616 3.984
EOD
$bars3_1 << EOD
16.1111 0.2 0 16.1111 0.016 0.384
40.1389 1.2 0 40.1389 1.016 1.384
23.1944 2.2 0 23.1944 2.016 2.384
39.5833 3.2 0 39.5833 3.016 3.384
23.4722 4.2 0 23.4722 4.016 4.384
EOD
$whiskers3 << EOD
30.9722 -0.2 23.3975 39.7273
41.1111 0.8 32.7166 50.0571
31.8056 1.8 24.1481 40.5917
40.8333 2.8 32.4561 49.7792
31.25 3.8 23.6474 40.0158
16.1111 0.2 10.6027 23.7219
40.1389 1.2 31.8062 49.0834
23.1944 2.2 16.5459 31.506
39.5833 3.2 31.2875 48.5254
23.4722 4.2 16.7854 31.8048
EOD
$dots3 << EOD
39.4444 -0.2
22.5 -0.2
48.8889 0.8
33.3333 0.8
39.7222 1.8
23.8889 1.8
49.1667 2.8
32.5 2.8
40.2778 3.8
22.2222 3.8
20.5556 0.2
11.6667 0.2
45.8333 1.2
34.4444 1.2
28.8889 2.2
17.5 2.2
44.7222 3.2
34.4444 3.2
28.6111 4.2
18.3333 4.2
EOD

reset
set terminal svg size 958,482 noenhanced font 'DejaVu Sans,11' background 'white'
set output 'bases.svg'
set multiplot
set label 1 'What the base has read: shares of low-resource code in its training' at screen 0.5,0.96266 center font 'DejaVu Sans,13' front
set object 2 rectangle from screen 0.31733,0.89419 to screen 0.32985,0.91494 fillcolor rgb '#4477aa' fillstyle solid noborder
set label 2 'high-resource' at screen 0.33612,0.90456 left front
set object 3 rectangle from screen 0.46973,0.89419 to screen 0.48225,0.91494 fillcolor rgb '#ee8866' fillstyle solid noborder
set label 3 'low-resource' at screen 0.48852,0.90456 left front
set label 104 '' at screen 0.62109,0.90456 point pt 7 ps 0.5 lc rgb '#333333' front
set label 4 'a seed' at screen 0.63257,0.90456 left front
unset key
set yrange [4.5:-0.5]
set tics out nomirror scale 0.4
set grid xtics lt 1 lw 1 lc rgb '#dddddd'
set border 3 lc rgb '#888888'
set lmargin at screen 0.50939
set rmargin at screen 0.72860
set tmargin at screen 0.82573
set bmargin at screen 0.53527
set title '0 % low-resource code' offset 0,-0.6 tc rgb 'black'
set xlabel '' offset 0,0.4
set xrange [0:81.375]
set xtics 20
set xtics tc rgb 'black'
set ytics ('base, 2 of 3 seeds' 0, 'post-pretraining, 2 of 3 seeds' 1, 'MultiPL-MoE, 2 of 3 seeds' 2, 'MultiPL-MoE, all weights trained, 2 of 3 seeds' 3, 'post-pretraining, feed-forward networks only, 2 of 3 seeds' 4) nomirror scale 0.4 tc rgb 'black'
plot $bars0_0 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#4477aa' notitle, $bars0_1 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#ee8866' notitle, $whiskers0 using 1:2:3:4 with xerrorbars pt 0 ps 0 lw 1 lc rgb '#555555' notitle, $dots0 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle
unset label
unset object
set lmargin at screen 0.75574
set rmargin at screen 0.97495
set tmargin at screen 0.82573
set bmargin at screen 0.53527
set title '0.5 % low-resource code' offset 0,-0.6 tc rgb 'black'
set xlabel '' offset 0,0.4
set xrange [0:81.375]
set xtics 20
set xtics tc rgb 'black'
unset ytics
plot $bars1_0 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#4477aa' notitle, $bars1_1 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#ee8866' notitle, $whiskers1 using 1:2:3:4 with xerrorbars pt 0 ps 0 lw 1 lc rgb '#555555' notitle, $dots1 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle
set lmargin at screen 0.50939
set rmargin at screen 0.72860
set tmargin at screen 0.40664
set bmargin at screen 0.11618
set title '1 % low-resource code' offset 0,-0.6 tc rgb 'black'
set xlabel 'pass@1, %' offset 0,0.4
set xrange [0:81.375]
set xtics 20
set xtics tc rgb 'black'
set ytics ('base, 2 of 3 seeds' 0, 'post-pretraining, 2 of 3 seeds' 1, 'MultiPL-MoE, 2 of 3 seeds' 2, 'MultiPL-MoE, all weights trained, 2 of 3 seeds' 3, 'post-pretraining, feed-forward networks only, 2 of 3 seeds' 4) nomirror scale 0.4 tc rgb 'black'
plot $bars2_0 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#4477aa' notitle, $bars2_1 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#ee8866' notitle, $whiskers2 using 1:2:3:4 with xerrorbars pt 0 ps 0 lw 1 lc rgb '#555555' notitle, $dots2 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle
set lmargin at screen 0.75574
set rmargin at screen 0.97495
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
set terminal pngcairo size 958,482 noenhanced font 'DejaVu Sans,11' background 'white'
set output 'bases.png'
set multiplot
set label 1 'What the base has read: shares of low-resource code in its training' at screen 0.5,0.96266 center font 'DejaVu Sans,13' front
set object 2 rectangle from screen 0.31733,0.89419 to screen 0.32985,0.91494 fillcolor rgb '#4477aa' fillstyle solid noborder
set label 2 'high-resource' at screen 0.33612,0.90456 left front
set object 3 rectangle from screen 0.46973,0.89419 to screen 0.48225,0.91494 fillcolor rgb '#ee8866' fillstyle solid noborder
set label 3 'low-resource' at screen 0.48852,0.90456 left front
set label 104 '' at screen 0.62109,0.90456 point pt 7 ps 0.5 lc rgb '#333333' front
set label 4 'a seed' at screen 0.63257,0.90456 left front
unset key
set yrange [4.5:-0.5]
set tics out nomirror scale 0.4
set grid xtics lt 1 lw 1 lc rgb '#dddddd'
set border 3 lc rgb '#888888'
set lmargin at screen 0.50939
set rmargin at screen 0.72860
set tmargin at screen 0.82573
set bmargin at screen 0.53527
set title '0 % low-resource code' offset 0,-0.6 tc rgb 'black'
set xlabel '' offset 0,0.4
set xrange [0:81.375]
set xtics 20
set xtics tc rgb 'black'
set ytics ('base, 2 of 3 seeds' 0, 'post-pretraining, 2 of 3 seeds' 1, 'MultiPL-MoE, 2 of 3 seeds' 2, 'MultiPL-MoE, all weights trained, 2 of 3 seeds' 3, 'post-pretraining, feed-forward networks only, 2 of 3 seeds' 4) nomirror scale 0.4 tc rgb 'black'
plot $bars0_0 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#4477aa' notitle, $bars0_1 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#ee8866' notitle, $whiskers0 using 1:2:3:4 with xerrorbars pt 0 ps 0 lw 1 lc rgb '#555555' notitle, $dots0 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle
unset label
unset object
set lmargin at screen 0.75574
set rmargin at screen 0.97495
set tmargin at screen 0.82573
set bmargin at screen 0.53527
set title '0.5 % low-resource code' offset 0,-0.6 tc rgb 'black'
set xlabel '' offset 0,0.4
set xrange [0:81.375]
set xtics 20
set xtics tc rgb 'black'
unset ytics
plot $bars1_0 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#4477aa' notitle, $bars1_1 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#ee8866' notitle, $whiskers1 using 1:2:3:4 with xerrorbars pt 0 ps 0 lw 1 lc rgb '#555555' notitle, $dots1 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle
set lmargin at screen 0.50939
set rmargin at screen 0.72860
set tmargin at screen 0.40664
set bmargin at screen 0.11618
set title '1 % low-resource code' offset 0,-0.6 tc rgb 'black'
set xlabel 'pass@1, %' offset 0,0.4
set xrange [0:81.375]
set xtics 20
set xtics tc rgb 'black'
set ytics ('base, 2 of 3 seeds' 0, 'post-pretraining, 2 of 3 seeds' 1, 'MultiPL-MoE, 2 of 3 seeds' 2, 'MultiPL-MoE, all weights trained, 2 of 3 seeds' 3, 'post-pretraining, feed-forward networks only, 2 of 3 seeds' 4) nomirror scale 0.4 tc rgb 'black'
plot $bars2_0 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#4477aa' notitle, $bars2_1 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#ee8866' notitle, $whiskers2 using 1:2:3:4 with xerrorbars pt 0 ps 0 lw 1 lc rgb '#555555' notitle, $dots2 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle
set lmargin at screen 0.75574
set rmargin at screen 0.97495
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
