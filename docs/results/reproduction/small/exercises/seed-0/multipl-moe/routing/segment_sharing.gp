set encoding utf8
$panel0 << EOD
0.265845 0.276316 0.273958 0.26875 0.25 0.253472 
0.538732 0.523026 0.528125 0.55 0.5625 0.569444 
0.184859 0.188322 0.184375 0.15625 0.1875 0.163194 
0.0105634 0.0115132 0.0135417 0.025 0 0.0138889 
0 0.000822368 0 0 0 0 
0 0 0 0 0 0 
0 0 0 0 0 0 
EOD
$panel1 << EOD
0.267606 0.222862 0.246875 0.23125 0.239583 0.243056 
0.536972 0.620066 0.577083 0.6 0.583333 0.586806 
0.183099 0.153783 0.167708 0.16875 0.177083 0.159722 
0.0123239 0.00328947 0.00833333 0 0 0.0104167 
0 0 0 0 0 0 
0 0 0 0 0 0 
0 0 0 0 0 0 
EOD
$panel2 << EOD
0.211268 0.221217 0.208333 0.2375 0.208333 0.170139 
0.638204 0.620888 0.646875 0.6 0.677083 0.722222 
0.149648 0.157072 0.14375 0.15 0.0833333 0.107639 
0.000880282 0.000822368 0.00104167 0.0125 0.03125 0 
0 0 0 0 0 0 
0 0 0 0 0 0 
0 0 0 0 0 0 
EOD

reset
set terminal svg size 1150,344 noenhanced font 'DejaVu Sans,11' background 'white'
set output 'segment_sharing.svg'
set multiplot
set label 1 'Share of segments by number of experts per segment' at screen 0.5,0.94767 center font 'DejaVu Sans,13' front
set style data histograms
set style histogram clustered gap 1
set style fill solid border -1
set xrange [-0.6:6.6]
set yrange [0:0.8]
set xtics ('0' 0, '1' 1, '2' 2, '3' 3, '4' 4, '5' 5, '6' 6)
set ytics 0.1
set tics nomirror
set grid ytics lt 1 lw 1 lc rgb '#dddddd'
set lmargin at screen 0.07826
set rmargin at screen 0.33391
set tmargin at screen 0.81395
set bmargin at screen 0.17442
set title 'layer 0' offset 0,-0.6
set xlabel 'experts per segment' offset 0,0.4
set ylabel 'share of segments' offset 0.6,0
set key at screen 0.91130,0.81395 left top Left reverse samplen 1
set format y '%.1f'
plot $panel0 using 1 title 'Python' lc rgb '#4477aa' lw 0.3, $panel0 using 2 title 'Java' lc rgb '#66ccee' lw 0.3, $panel0 using 3 title 'C++' lc rgb '#228833' lw 0.3, $panel0 using 4 title 'Rust' lc rgb '#ccbb44' lw 0.3, $panel0 using 5 title 'Go' lc rgb '#ee6677' lw 0.3, $panel0 using 6 title 'Ruby' lc rgb '#aa3377' lw 0.3
set lmargin at screen 0.35478
set rmargin at screen 0.61043
set tmargin at screen 0.81395
set bmargin at screen 0.17442
set title 'layer 1' offset 0,-0.6
set xlabel 'experts per segment' offset 0,0.4
unset ylabel
unset key
unset label 1
set format y ''
plot $panel1 using 1 title 'Python' lc rgb '#4477aa' lw 0.3, $panel1 using 2 title 'Java' lc rgb '#66ccee' lw 0.3, $panel1 using 3 title 'C++' lc rgb '#228833' lw 0.3, $panel1 using 4 title 'Rust' lc rgb '#ccbb44' lw 0.3, $panel1 using 5 title 'Go' lc rgb '#ee6677' lw 0.3, $panel1 using 6 title 'Ruby' lc rgb '#aa3377' lw 0.3
set lmargin at screen 0.63130
set rmargin at screen 0.88696
set tmargin at screen 0.81395
set bmargin at screen 0.17442
set title 'layer 2' offset 0,-0.6
set xlabel 'experts per segment' offset 0,0.4
unset ylabel
unset key
unset label 1
set format y ''
plot $panel2 using 1 title 'Python' lc rgb '#4477aa' lw 0.3, $panel2 using 2 title 'Java' lc rgb '#66ccee' lw 0.3, $panel2 using 3 title 'C++' lc rgb '#228833' lw 0.3, $panel2 using 4 title 'Rust' lc rgb '#ccbb44' lw 0.3, $panel2 using 5 title 'Go' lc rgb '#ee6677' lw 0.3, $panel2 using 6 title 'Ruby' lc rgb '#aa3377' lw 0.3
unset multiplot
unset output

reset
set terminal pngcairo size 1150,344 noenhanced font 'DejaVu Sans,11' background 'white'
set output 'segment_sharing.png'
set multiplot
set label 1 'Share of segments by number of experts per segment' at screen 0.5,0.94767 center font 'DejaVu Sans,13' front
set style data histograms
set style histogram clustered gap 1
set style fill solid border -1
set xrange [-0.6:6.6]
set yrange [0:0.8]
set xtics ('0' 0, '1' 1, '2' 2, '3' 3, '4' 4, '5' 5, '6' 6)
set ytics 0.1
set tics nomirror
set grid ytics lt 1 lw 1 lc rgb '#dddddd'
set lmargin at screen 0.07826
set rmargin at screen 0.33391
set tmargin at screen 0.81395
set bmargin at screen 0.17442
set title 'layer 0' offset 0,-0.6
set xlabel 'experts per segment' offset 0,0.4
set ylabel 'share of segments' offset 0.6,0
set key at screen 0.91130,0.81395 left top Left reverse samplen 1
set format y '%.1f'
plot $panel0 using 1 title 'Python' lc rgb '#4477aa' lw 0.3, $panel0 using 2 title 'Java' lc rgb '#66ccee' lw 0.3, $panel0 using 3 title 'C++' lc rgb '#228833' lw 0.3, $panel0 using 4 title 'Rust' lc rgb '#ccbb44' lw 0.3, $panel0 using 5 title 'Go' lc rgb '#ee6677' lw 0.3, $panel0 using 6 title 'Ruby' lc rgb '#aa3377' lw 0.3
set lmargin at screen 0.35478
set rmargin at screen 0.61043
set tmargin at screen 0.81395
set bmargin at screen 0.17442
set title 'layer 1' offset 0,-0.6
set xlabel 'experts per segment' offset 0,0.4
unset ylabel
unset key
unset label 1
set format y ''
plot $panel1 using 1 title 'Python' lc rgb '#4477aa' lw 0.3, $panel1 using 2 title 'Java' lc rgb '#66ccee' lw 0.3, $panel1 using 3 title 'C++' lc rgb '#228833' lw 0.3, $panel1 using 4 title 'Rust' lc rgb '#ccbb44' lw 0.3, $panel1 using 5 title 'Go' lc rgb '#ee6677' lw 0.3, $panel1 using 6 title 'Ruby' lc rgb '#aa3377' lw 0.3
set lmargin at screen 0.63130
set rmargin at screen 0.88696
set tmargin at screen 0.81395
set bmargin at screen 0.17442
set title 'layer 2' offset 0,-0.6
set xlabel 'experts per segment' offset 0,0.4
unset ylabel
unset key
unset label 1
set format y ''
plot $panel2 using 1 title 'Python' lc rgb '#4477aa' lw 0.3, $panel2 using 2 title 'Java' lc rgb '#66ccee' lw 0.3, $panel2 using 3 title 'C++' lc rgb '#228833' lw 0.3, $panel2 using 4 title 'Rust' lc rgb '#ccbb44' lw 0.3, $panel2 using 5 title 'Go' lc rgb '#ee6677' lw 0.3, $panel2 using 6 title 'Ruby' lc rgb '#aa3377' lw 0.3
unset multiplot
unset output
