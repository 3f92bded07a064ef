set encoding utf8
$bars0_0 << EOD
0 0 0 0 -0.368 0.368
0 1 0 0 0.632 1.368
0.860368 2 0 0.860368 1.632 2.368
EOD
$dots0 << EOD
0 0
0 0
0 0
0 1
0 1
0 1
155.043 2
0.860368 2
789.016 2
EOD

reset
set terminal svg size 700,200 noenhanced font 'DejaVu Sans,11' background 'white'
set output 'leak.svg'
set multiplot
set label 1 'Does routing a segment by its own tokens leak the future?' at screen 0.5,0.91000 center font 'DejaVu Sans,13' front
set label 102 '' at screen 0.46286,0.77000 point pt 7 ps 0.5 lc rgb '#333333' front
set label 2 'a seed' at screen 0.47857,0.77000 left front
unset key
set yrange [2.5:-0.5]
set tics out nomirror scale 0.4
set grid xtics lt 1 lw 1 lc rgb '#dddddd'
set border 3 lc rgb '#888888'
set lmargin at screen 0.25143
set rmargin at screen 0.96571
set tmargin at screen 0.58000
set bmargin at screen 0.28000
set title 'random letters' offset 0,-0.6 tc rgb 'black'
set xlabel 'x: probability of such scores for a causal model at most 2^-x' offset 0,0.4
set xrange [0:828.467]
set xtics 200
set xtics tc rgb 'black'
set ytics ('base' 0, 'MultiPL-MoE, causal' 1, 'MultiPL-MoE' 2) nomirror scale 0.4 tc rgb 'black'
plot $bars0_0 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#4477aa' notitle, $dots0 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle
unset label
unset object
unset multiplot
unset output

reset
set terminal pngcairo size 700,200 noenhanced font 'DejaVu Sans,11' background 'white'
set output 'leak.png'
set multiplot
set label 1 'Does routing a segment by its own tokens leak the future?' at screen 0.5,0.91000 center font 'DejaVu Sans,13' front
set label 102 '' at screen 0.46286,0.77000 point pt 7 ps 0.5 lc rgb '#333333' front
set label 2 'a seed' at screen 0.47857,0.77000 left front
unset key
set yrange [2.5:-0.5]
set tics out nomirror scale 0.4
set grid xtics lt 1 lw 1 lc rgb '#dddddd'
set border 3 lc rgb '#888888'
set lmargin at screen 0.25143
set rmargin at screen 0.96571
set tmargin at screen 0.58000
set bmargin at screen 0.28000
set title 'random letters' offset 0,-0.6 tc rgb 'black'
set xlabel 'x: probability of such scores for a causal model at most 2^-x' offset 0,0.4
set xrange [0:828.467]
set xtics 200
set xtics tc rgb 'black'
set ytics ('base' 0, 'MultiPL-MoE, causal' 1, 'MultiPL-MoE' 2) nomirror scale 0.4 tc rgb 'black'
plot $bars0_0 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#4477aa' notitle, $dots0 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle
unset label
unset object
unset multiplot
unset output
