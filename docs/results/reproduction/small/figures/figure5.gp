set encoding utf8
$bars0_0 << EOD
55.9259 0 0 55.9259 -0.368 0.368
56.5741 1 0 56.5741 0.632 1.368
55.4167 2 0 55.4167 1.632 2.368
55.5093 3 0 55.5093 2.632 3.368
EOD
$whiskers0 << EOD
55.9259 0 46.9961 64.4881
56.5741 1 47.6381 65.1022
55.4167 2 46.4927 64.0046
55.5093 3 46.5842 64.0925
EOD
$dots0 << EOD
67.5 0
46.3889 0
53.8889 0
67.6389 1
47.0833 1
55 1
66.6667 2
46.25 2
53.3333 2
66.5278 3
45.5556 3
54.4444 3
EOD
$bars1_0 << EOD
10.74 0 0 10.74 -0.368 0.368
8.88 1 0 8.88 0.632 1.368
8.93 2 0 8.93 1.632 2.368
8.87 3 0 8.87 2.632 3.368
EOD

reset
set terminal svg size 702,260 noenhanced font 'DejaVu Sans,11' background 'white'
set output 'figure5.svg'
set multiplot
set label 1 'Figure 5: numbers of token and segment experts' at screen 0.5,0.93077 center font 'DejaVu Sans,13' front
set label 102 '' at screen 0.46296,0.82308 point pt 7 ps 0.5 lc rgb '#333333' front
set label 2 'a seed' at screen 0.47863,0.82308 left front
unset key
set yrange [3.5:-0.5]
set tics out nomirror scale 0.4
set grid xtics lt 1 lw 1 lc rgb '#dddddd'
set border 3 lc rgb '#888888'
set lmargin at screen 0.33048
set rmargin at screen 0.62963
set tmargin at screen 0.67692
set bmargin at screen 0.21538
set title 'mean of six languages' offset 0,-0.6 tc rgb 'black'
set xlabel 'pass@1, %' offset 0,0.4
set xrange [42.2431:70.9514]
set xtics 5
set xtics tc rgb 'black'
set ytics ('6 token, 6 segment experts' 0, '4 token, 4 segment experts' 1, '8 token, 4 segment experts' 2, '4 token, 8 segment experts' 3) nomirror scale 0.4 tc rgb 'black'
plot $bars0_0 using 1:5:(0):($6-$5) with vectors nohead lw 2.5 dt (5,3) lc rgb '#4477aa' notitle, $whiskers0 using 1:2:3:4 with xerrorbars pt 0 ps 0 lw 1 lc rgb '#555555' notitle, $dots0 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle
unset label
unset object
set lmargin at screen 0.66667
set rmargin at screen 0.96581
set tmargin at screen 0.67692
set bmargin at screen 0.21538
set title 'the paper''s own (HumanEval)' offset 0,-0.6 tc rgb '#777777'
set xlabel 'pass@1, %' offset 0,0.4
set xrange [8.5552:11.0548]
set xtics 0.5
set xtics tc rgb 'black'
unset ytics
plot $bars1_0 using 1:5:(0):($6-$5) with vectors nohead lw 2.5 dt (5,3) lc rgb '#999999' notitle
unset multiplot
unset output

reset
set terminal pngcairo size 702,260 noenhanced font 'DejaVu Sans,11' background 'white'
set output 'figure5.png'
set multiplot
set label 1 'Figure 5: numbers of token and segment experts' at screen 0.5,0.93077 center font 'DejaVu Sans,13' front
set label 102 '' at screen 0.46296,0.82308 point pt 7 ps 0.5 lc rgb '#333333' front
set label 2 'a seed' at screen 0.47863,0.82308 left front
unset key
set yrange [3.5:-0.5]
set tics out nomirror scale 0.4
set grid xtics lt 1 lw 1 lc rgb '#dddddd'
set border 3 lc rgb '#888888'
set lmargin at screen 0.33048
set rmargin at screen 0.62963
set tmargin at screen 0.67692
set bmargin at screen 0.21538
set title 'mean of six languages' offset 0,-0.6 tc rgb 'black'
set xlabel 'pass@1, %' offset 0,0.4
set xrange [42.2431:70.9514]
set xtics 5
set xtics tc rgb 'black'
set ytics ('6 token, 6 segment experts' 0, '4 token, 4 segment experts' 1, '8 token, 4 segment experts' 2, '4 token, 8 segment experts' 3) nomirror scale 0.4 tc rgb 'black'
plot $bars0_0 using 1:5:(0):($6-$5) with vectors nohead lw 2.5 dt (5,3) lc rgb '#4477aa' notitle, $whiskers0 using 1:2:3:4 with xerrorbars pt 0 ps 0 lw 1 lc rgb '#555555' notitle, $dots0 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle
unset label
unset object
set lmargin at screen 0.66667
set rmargin at screen 0.96581
set tmargin at screen 0.67692
set bmargin at screen 0.21538
set title 'the paper''s own (HumanEval)' offset 0,-0.6 tc rgb '#777777'
set xlabel 'pass@1, %' offset 0,0.4
set xrange [8.5552:11.0548]
set xtics 0.5
set xtics tc rgb 'black'
unset ytics
plot $bars1_0 using 1:5:(0):($6-$5) with vectors nohead lw 2.5 dt (5,3) lc rgb '#999999' notitle
unset multiplot
unset output
