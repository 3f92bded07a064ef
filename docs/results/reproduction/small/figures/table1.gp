set encoding utf8
$bars0_0 << EOD
66.3889 0 0 66.3889 -0.368 0.368
63.8889 1 0 63.8889 0.632 1.368
64.1667 2 0 64.1667 1.632 2.368
64.7222 3 0 64.7222 2.632 3.368
64.1667 4 0 64.1667 3.632 4.368
64.1667 5 0 64.1667 4.632 5.368
66.6667 6 0 66.6667 5.632 6.368
66.6667 7 0 66.6667 6.632 7.368
EOD
$whiskers0 << EOD
66.3889 0 57.5454 74.2157
63.8889 1 54.9875 71.9286
64.1667 2 55.2705 72.1839
64.7222 3 55.8374 72.6937
64.1667 4 55.2705 72.1839
64.1667 5 55.2705 72.1839
66.6667 6 57.8311 74.4683
66.6667 7 57.8311 74.4683
EOD
$dots0 << EOD
77.5 0
54.1667 0
67.5 0
74.1667 1
55 1
62.5 1
74.1667 2
55 2
63.3333 2
75 3
55 3
64.1667 3
72.5 4
57.5 4
62.5 4
75 5
54.1667 5
63.3333 5
73.3333 6
60.8333 6
65.8333 6
75 7
56.6667 7
68.3333 7
EOD
$papers0 << EOD
20.1 0
EOD
$bars1_0 << EOD
69.4444 0 0 69.4444 -0.368 0.368
66.6667 1 0 66.6667 0.632 1.368
64.4444 2 0 64.4444 1.632 2.368
66.6667 3 0 66.6667 2.632 3.368
66.6667 4 0 66.6667 3.632 4.368
66.9444 5 0 66.9444 4.632 5.368
67.5 6 0 67.5 5.632 6.368
68.8889 7 0 68.8889 6.632 7.368
EOD
$whiskers1 << EOD
69.4444 0 60.706 76.9766
66.6667 1 57.8311 74.4683
64.4444 2 55.5538 72.4389
66.6667 3 57.8311 74.4683
66.6667 4 57.8311 74.4683
66.9444 5 58.1171 74.7205
67.5 6 58.6902 75.2241
68.8889 7 60.1284 76.4776
EOD
$dots1 << EOD
76.6667 0
61.6667 0
70 0
80 1
54.1667 1
65.8333 1
74.1667 2
53.3333 2
65.8333 2
78.3333 3
54.1667 3
67.5 3
77.5 4
54.1667 4
68.3333 4
79.1667 5
55.8333 5
65.8333 5
76.6667 6
60 6
65.8333 6
76.6667 7
61.6667 7
68.3333 7
EOD
$papers1 << EOD
NaN NaN NaN NaN NaN NaN
EOD
$bars2_0 << EOD
70.8333 0 0 70.8333 -0.368 0.368
66.9444 1 0 66.9444 0.632 1.368
63.8889 2 0 63.8889 1.632 2.368
67.7778 3 0 67.7778 2.632 3.368
66.9444 4 0 66.9444 3.632 4.368
65.8333 5 0 65.8333 4.632 5.368
69.7222 6 0 69.7222 5.632 6.368
69.4444 7 0 69.4444 6.632 7.368
EOD
$whiskers2 << EOD
70.8333 0 62.1558 78.2184
66.9444 1 58.1171 74.7205
63.8889 2 54.9875 71.9286
67.7778 3 58.9772 75.4755
66.9444 4 58.1171 74.7205
65.8333 5 56.9748 73.7096
69.7222 6 60.9952 77.2257
69.4444 7 60.706 76.9766
EOD
$dots2 << EOD
77.5 0
64.1667 0
70.8333 0
77.5 1
53.3333 1
70 1
67.5 2
55 2
69.1667 2
78.3333 3
55 3
70 3
76.6667 4
54.1667 4
70 4
77.5 5
50.8333 5
69.1667 5
75.8333 6
63.3333 6
70 6
73.3333 7
63.3333 7
71.6667 7
EOD
$papers2 << EOD
NaN NaN NaN NaN NaN NaN
EOD
$bars3_0 << EOD
5.27778 0 0 5.27778 -0.368 0.368
63.0556 1 0 63.0556 0.632 1.368
40.5556 2 0 40.5556 1.632 2.368
63.3333 3 0 63.3333 2.632 3.368
65 4 0 65 3.632 4.368
64.1667 5 0 64.1667 4.632 5.368
46.3889 6 0 46.3889 5.632 6.368
55 7 0 55 6.632 7.368
EOD
$whiskers3 << EOD
5.27778 0 2.4899 10.8401
63.0556 1 54.1403 71.1609
40.5556 2 32.1959 49.5011
63.3333 3 54.4224 71.4171
65 4 56.1213 72.9481
64.1667 5 55.2705 72.1839
46.3889 6 37.7171 55.2847
55 7 46.0815 63.6083
EOD
$dots3 << EOD
11.6667 0
0.833333 0
3.33333 0
75 1
50.8333 1
63.3333 1
46.6667 2
36.6667 2
38.3333 2
73.3333 3
56.6667 3
60 3
73.3333 4
55 4
66.6667 4
75 5
52.5 5
65 5
65.8333 6
28.3333 6
45 6
67.5 7
35.8333 7
61.6667 7
EOD
$papers3 << EOD
10.9 6
EOD
$bars4_0 << EOD
16.9444 0 0 16.9444 -0.368 0.368
59.1667 1 0 59.1667 0.632 1.368
38.6111 2 0 38.6111 1.632 2.368
59.7222 3 0 59.7222 2.632 3.368
58.8889 4 0 58.8889 3.632 4.368
58.6111 5 0 58.6111 4.632 5.368
45.5556 6 0 45.5556 5.632 6.368
54.4444 7 0 54.4444 6.632 7.368
EOD
$whiskers4 << EOD
16.9444 0 11.2836 24.656
59.1667 1 50.2208 67.5439
38.6111 2 30.3825 47.5463
59.7222 3 50.7773 68.064
58.8889 4 49.9429 67.2834
58.6111 5 49.6653 67.0227
45.5556 6 36.9211 54.4658
54.4444 7 45.5342 63.0789
EOD
$dots4 << EOD
20 0
19.1667 0
11.6667 0
71.6667 1
52.5 1
53.3333 1
42.5 2
32.5 2
40.8333 2
71.6667 3
54.1667 3
53.3333 3
70 4
53.3333 4
53.3333 4
70.8333 5
51.6667 5
53.3333 5
55 6
42.5 6
39.1667 6
69.1667 7
45.8333 7
48.3333 7
EOD
$papers4 << EOD
8.7 6
EOD
$bars5_0 << EOD
2.22222 0 0 2.22222 -0.368 0.368
58.6111 1 0 58.6111 0.632 1.368
39.4444 2 0 39.4444 1.632 2.368
61.1111 3 0 61.1111 2.632 3.368
58.8889 4 0 58.8889 3.632 4.368
60.2778 5 0 60.2778 4.632 5.368
39.7222 6 0 39.7222 5.632 6.368
46.3889 7 0 46.3889 6.632 7.368
EOD
$whiskers5 << EOD
2.22222 0 0.714873 6.69363
58.6111 1 49.6653 67.0227
39.4444 2 31.158 48.3858
61.1111 3 52.1736 69.3593
58.8889 4 49.9429 67.2834
60.2778 5 51.335 68.5829
39.7222 6 31.4171 48.665
46.3889 7 37.7171 55.2847
EOD
$dots5 << EOD
2.5 0
1.66667 0
2.5 0
74.1667 1
46.6667 1
55 1
53.3333 2
22.5 2
42.5 2
73.3333 3
50 3
60 3
70.8333 4
47.5 4
58.3333 4
73.3333 5
50 5
57.5 5
58.3333 6
23.3333 6
37.5 6
63.3333 7
26.6667 7
49.1667 7
EOD
$papers5 << EOD
7.1 6
EOD

reset
set terminal svg size 882,522 noenhanced font 'DejaVu Sans,11' background 'white'
set output 'table1.svg'
set multiplot
set label 1 'Table 1: pass@1 by language' at screen 0.5,0.96552 center font 'DejaVu Sans,13' front
set label 102 '' at screen 0.32426,0.91188 point pt 7 ps 0.5 lc rgb '#333333' front
set label 2 'a seed' at screen 0.33673,0.91188 left front
set label 103 '' at screen 0.42630,0.91188 point pt 13 ps 0.8 lc rgb '#999999' front
set label 3 'the paper''s own (HumanEval)' at screen 0.43878,0.91188 left front
unset key
set yrange [7.5:-0.5]
set tics out nomirror scale 0.4
set grid xtics lt 1 lw 1 lc rgb '#dddddd'
set border 3 lc rgb '#888888'
set lmargin at screen 0.19955
set rmargin at screen 0.43764
set tmargin at screen 0.83908
set bmargin at screen 0.53257
set title 'Python' offset 0,-0.6 tc rgb 'black'
set xlabel '' offset 0,0.4
set xrange [0:84]
set xtics 20
set xtics tc rgb 'black'
set ytics ('base' 0, 'post-pretraining' 1, 'LoRA' 2, 'GShard' 3, 'Mixtral' 4, 'Qwen1.5-MoE' 5, 'MultiPL-MoE' 6, 'MultiPL-MoE, causal' 7) nomirror scale 0.4 tc rgb 'black'
plot $bars0_0 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#4477aa' notitle, $whiskers0 using 1:2:3:4 with xerrorbars pt 0 ps 0 lw 1 lc rgb '#555555' notitle, $dots0 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle, $papers0 using 1:2 with points pt 13 ps 0.8 lc rgb '#999999' notitle
unset label
unset object
set lmargin at screen 0.46712
set rmargin at screen 0.70522
set tmargin at screen 0.83908
set bmargin at screen 0.53257
set title 'Java' offset 0,-0.6 tc rgb 'black'
set xlabel '' offset 0,0.4
set xrange [0:84]
set xtics 20
set xtics tc rgb 'black'
unset ytics
plot $bars1_0 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#4477aa' notitle, $whiskers1 using 1:2:3:4 with xerrorbars pt 0 ps 0 lw 1 lc rgb '#555555' notitle, $dots1 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle, $papers1 using 1:2 with points pt 13 ps 0.8 lc rgb '#999999' notitle
set lmargin at screen 0.73469
set rmargin at screen 0.97279
set tmargin at screen 0.83908
set bmargin at screen 0.53257
set title 'C++' offset 0,-0.6 tc rgb 'black'
set xlabel '' offset 0,0.4
set xrange [0:84]
set xtics 20
set xtics tc rgb 'black'
unset ytics
plot $bars2_0 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#4477aa' notitle, $whiskers2 using 1:2:3:4 with xerrorbars pt 0 ps 0 lw 1 lc rgb '#555555' notitle, $dots2 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle, $papers2 using 1:2 with points pt 13 ps 0.8 lc rgb '#999999' notitle
set lmargin at screen 0.19955
set rmargin at screen 0.43764
set tmargin at screen 0.41379
set bmargin at screen 0.10728
set title 'Rust' offset 0,-0.6 tc rgb 'black'
set xlabel 'pass@1, %' offset 0,0.4
set xrange [0:84]
set xtics 20
set xtics tc rgb 'black'
set ytics ('base' 0, 'post-pretraining' 1, 'LoRA' 2, 'GShard' 3, 'Mixtral' 4, 'Qwen1.5-MoE' 5, 'MultiPL-MoE' 6, 'MultiPL-MoE, causal' 7) nomirror scale 0.4 tc rgb 'black'
plot $bars3_0 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#4477aa' notitle, $whiskers3 using 1:2:3:4 with xerrorbars pt 0 ps 0 lw 1 lc rgb '#555555' notitle, $dots3 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle, $papers3 using 1:2 with points pt 13 ps 0.8 lc rgb '#999999' notitle
set lmargin at screen 0.46712
set rmargin at screen 0.70522
set tmargin at screen 0.41379
set bmargin at screen 0.10728
set title 'Go' offset 0,-0.6 tc rgb 'black'
set xlabel 'pass@1, %' offset 0,0.4
set xrange [0:84]
set xtics 20
set xtics tc rgb 'black'
unset ytics
plot $bars4_0 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#4477aa' notitle, $whiskers4 using 1:2:3:4 with xerrorbars pt 0 ps 0 lw 1 lc rgb '#555555' notitle, $dots4 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle, $papers4 using 1:2 with points pt 13 ps 0.8 lc rgb '#999999' notitle
set lmargin at screen 0.73469
set rmargin at screen 0.97279
set tmargin at screen 0.41379
set bmargin at screen 0.10728
set title 'Ruby' offset 0,-0.6 tc rgb 'black'
set xlabel 'pass@1, %' offset 0,0.4
set xrange [0:84]
set xtics 20
set xtics tc rgb 'black'
unset ytics
plot $bars5_0 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#4477aa' notitle, $whiskers5 using 1:2:3:4 with xerrorbars pt 0 ps 0 lw 1 lc rgb '#555555' notitle, $dots5 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle, $papers5 using 1:2 with points pt 13 ps 0.8 lc rgb '#999999' notitle
unset multiplot
unset output

reset
set terminal pngcairo size 882,522 noenhanced font 'DejaVu Sans,11' background 'white'
set output 'table1.png'
set multiplot
set label 1 'Table 1: pass@1 by language' at screen 0.5,0.96552 center font 'DejaVu Sans,13' front
set label 102 '' at screen 0.32426,0.91188 point pt 7 ps 0.5 lc rgb '#333333' front
set label 2 'a seed' at screen 0.33673,0.91188 left front
set label 103 '' at screen 0.42630,0.91188 point pt 13 ps 0.8 lc rgb '#999999' front
set label 3 'the paper''s own (HumanEval)' at screen 0.43878,0.91188 left front
unset key
set yrange [7.5:-0.5]
set tics out nomirror scale 0.4
set grid xtics lt 1 lw 1 lc rgb '#dddddd'
set border 3 lc rgb '#888888'
set lmargin at screen 0.19955
set rmargin at screen 0.43764
set tmargin at screen 0.83908
set bmargin at screen 0.53257
set title 'Python' offset 0,-0.6 tc rgb 'black'
set xlabel '' offset 0,0.4
set xrange [0:84]
set xtics 20
set xtics tc rgb 'black'
set ytics ('base' 0, 'post-pretraining' 1, 'LoRA' 2, 'GShard' 3, 'Mixtral' 4, 'Qwen1.5-MoE' 5, 'MultiPL-MoE' 6, 'MultiPL-MoE, causal' 7) nomirror scale 0.4 tc rgb 'black'
plot $bars0_0 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#4477aa' notitle, $whiskers0 using 1:2:3:4 with xerrorbars pt 0 ps 0 lw 1 lc rgb '#555555' notitle, $dots0 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle, $papers0 using 1:2 with points pt 13 ps 0.8 lc rgb '#999999' notitle
unset label
unset object
set lmargin at screen 0.46712
set rmargin at screen 0.70522
set tmargin at screen 0.83908
set bmargin at screen 0.53257
set title 'Java' offset 0,-0.6 tc rgb 'black'
set xlabel '' offset 0,0.4
set xrange [0:84]
set xtics 20
set xtics tc rgb 'black'
unset ytics
plot $bars1_0 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#4477aa' notitle, $whiskers1 using 1:2:3:4 with xerrorbars pt 0 ps 0 lw 1 lc rgb '#555555' notitle, $dots1 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle, $papers1 using 1:2 with points pt 13 ps 0.8 lc rgb '#999999' notitle
set lmargin at screen 0.73469
set rmargin at screen 0.97279
set tmargin at screen 0.83908
set bmargin at screen 0.53257
set title 'C++' offset 0,-0.6 tc rgb 'black'
set xlabel '' offset 0,0.4
set xrange [0:84]
set xtics 20
set xtics tc rgb 'black'
unset ytics
plot $bars2_0 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#4477aa' notitle, $whiskers2 using 1:2:3:4 with xerrorbars pt 0 ps 0 lw 1 lc rgb '#555555' notitle, $dots2 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle, $papers2 using 1:2 with points pt 13 ps 0.8 lc rgb '#999999' notitle
set lmargin at screen 0.19955
set rmargin at screen 0.43764
set tmargin at screen 0.41379
set bmargin at screen 0.10728
set title 'Rust' offset 0,-0.6 tc rgb 'black'
set xlabel 'pass@1, %' offset 0,0.4
set xrange [0:84]
set xtics 20
set xtics tc rgb 'black'
set ytics ('base' 0, 'post-pretraining' 1, 'LoRA' 2, 'GShard' 3, 'Mixtral' 4, 'Qwen1.5-MoE' 5, 'MultiPL-MoE' 6, 'MultiPL-MoE, causal' 7) nomirror scale 0.4 tc rgb 'black'
plot $bars3_0 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#4477aa' notitle, $whiskers3 using 1:2:3:4 with xerrorbars pt 0 ps 0 lw 1 lc rgb '#555555' notitle, $dots3 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle, $papers3 using 1:2 with points pt 13 ps 0.8 lc rgb '#999999' notitle
set lmargin at screen 0.46712
set rmargin at screen 0.70522
set tmargin at screen 0.41379
set bmargin at screen 0.10728
set title 'Go' offset 0,-0.6 tc rgb 'black'
set xlabel 'pass@1, %' offset 0,0.4
set xrange [0:84]
set xtics 20
set xtics tc rgb 'black'
unset ytics
plot $bars4_0 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#4477aa' notitle, $whiskers4 using 1:2:3:4 with xerrorbars pt 0 ps 0 lw 1 lc rgb '#555555' notitle, $dots4 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle, $papers4 using 1:2 with points pt 13 ps 0.8 lc rgb '#999999' notitle
set lmargin at screen 0.73469
set rmargin at screen 0.97279
set tmargin at screen 0.41379
set bmargin at screen 0.10728
set title 'Ruby' offset 0,-0.6 tc rgb 'black'
set xlabel 'pass@1, %' offset 0,0.4
set xrange [0:84]
set xtics 20
set xtics tc rgb 'black'
unset ytics
plot $bars5_0 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#4477aa' notitle, $whiskers5 using 1:2:3:4 with xerrorbars pt 0 ps 0 lw 1 lc rgb '#555555' notitle, $dots5 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle, $papers5 using 1:2 with points pt 13 ps 0.8 lc rgb '#999999' notitle
unset multiplot
unset output
