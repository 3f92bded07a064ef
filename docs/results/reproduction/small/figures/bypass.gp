set encoding utf8
$bars0_0 << EOD
0.479005 -0.2 0 0.479005 -0.384 -0.016
0.356241 0.8 0 0.356241 0.616 0.984
0.427152 1.8 0 0.427152 1.616 1.984
0.35997 2.8 0 0.35997 2.616 2.984
0.0894351 3.8 0 0.0894351 3.616 3.984
0.166832 4.8 0 0.166832 4.616 4.984
EOD
$bars0_1 << EOD
0.463301 0.2 0 0.463301 0.016 0.384
0.310451 1.2 0 0.310451 1.016 1.384
0.344739 2.2 0 0.344739 2.016 2.384
0.269538 3.2 0 0.269538 3.016 3.384
0.0525281 4.2 0 0.0525281 4.016 4.384
0.100215 5.2 0 0.100215 5.016 5.384
EOD
$dots0 << EOD
0.486832 -0.2
0.461958 -0.2
0.488224 -0.2
0.341877 0.8
0.332814 0.8
0.394033 0.8
0.431103 1.8
0.396038 1.8
0.454315 1.8
0.366125 2.8
0.338586 2.8
0.3752 2.8
0.100028 3.8
0.0772401 3.8
0.0910369 3.8
0.172399 4.8
0.147241 4.8
0.180855 4.8
0.478089 0.2
0.454218 0.2
0.457597 0.2
0.292999 1.2
0.2709 1.2
0.367454 1.2
0.33956 2.2
0.322837 2.2
0.371821 2.2
0.286339 3.2
0.250544 3.2
0.271733 3.2
0.0579061 4.2
0.0376042 4.2
0.0620739 4.2
0.106809 5.2
0.0895268 5.2
0.104309 5.2
EOD

reset
set terminal svg size 700,308 noenhanced font 'DejaVu Sans,11' background 'white'
set output 'bypass.svg'
set multiplot
set label 1 'Is the shared expert bypassed: its mean gate after training' at screen 0.5,0.94156 center font 'DejaVu Sans,13' front
set object 2 rectangle from screen 0.25000,0.83442 to screen 0.26714,0.86688 fillcolor rgb '#4477aa' fillstyle solid noborder
set label 2 'high-resource' at screen 0.27571,0.85065 left front
set object 3 rectangle from screen 0.45857,0.83442 to screen 0.47571,0.86688 fillcolor rgb '#ee8866' fillstyle solid noborder
set label 3 'low-resource' at screen 0.48429,0.85065 left front
set label 104 '' at screen 0.66571,0.85065 point pt 7 ps 0.5 lc rgb '#333333' front
set label 4 'a seed' at screen 0.68143,0.85065 left front
unset key
set yrange [5.5:-0.5]
set tics out nomirror scale 0.4
set grid xtics lt 1 lw 1 lc rgb '#dddddd'
set border 3 lc rgb '#888888'
set lmargin at screen 0.35429
set rmargin at screen 0.96571
set tmargin at screen 0.72727
set bmargin at screen 0.18182
set title 'mean of three languages' offset 0,-0.6 tc rgb 'black'
set xlabel 'mean gate of the shared expert' offset 0,0.4
set xrange [0:0.512636]
set xtics 0.1
set xtics tc rgb 'black'
set ytics ('MultiPL-MoE, causal, layer 0' 0, 'MultiPL-MoE, causal, layer 1' 1, 'MultiPL-MoE, causal, layer 2' 2, 'MultiPL-MoE, layer 0' 3, 'MultiPL-MoE, layer 1' 4, 'MultiPL-MoE, layer 2' 5) nomirror scale 0.4 tc rgb 'black'
plot $bars0_0 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#4477aa' notitle, $bars0_1 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#ee8866' notitle, $dots0 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle
unset label
unset object
unset multiplot
unset output

reset
set terminal pngcairo size 700,308 noenhanced font 'DejaVu Sans,11' background 'white'
set output 'bypass.png'
set multiplot
set label 1 'Is the shared expert bypassed: its mean gate after training' at screen 0.5,0.94156 center font 'DejaVu Sans,13' front
set object 2 rectangle from screen 0.25000,0.83442 to screen 0.26714,0.86688 fillcolor rgb '#4477aa' fillstyle solid noborder
set label 2 'high-resource' at screen 0.27571,0.85065 left front
set object 3 rectangle from screen 0.45857,0.83442 to screen 0.47571,0.86688 fillcolor rgb '#ee8866' fillstyle solid noborder
set label 3 'low-resource' at screen 0.48429,0.85065 left front
set label 104 '' at screen 0.66571,0.85065 point pt 7 ps 0.5 lc rgb '#333333' front
set label 4 'a seed' at screen 0.68143,0.85065 left front
unset key
set yrange [5.5:-0.5]
set tics out nomirror scale 0.4
set grid xtics lt 1 lw 1 lc rgb '#dddddd'
set border 3 lc rgb '#888888'
set lmargin at screen 0.35429
set rmargin at screen 0.96571
set tmargin at screen 0.72727
set bmargin at screen 0.18182
set title 'mean of three languages' offset 0,-0.6 tc rgb 'black'
set xlabel 'mean gate of the shared expert' offset 0,0.4
set xrange [0:0.512636]
set xtics 0.1
set xtics tc rgb 'black'
set ytics ('MultiPL-MoE, causal, layer 0' 0, 'MultiPL-MoE, causal, layer 1' 1, 'MultiPL-MoE, causal, layer 2' 2, 'MultiPL-MoE, layer 0' 3, 'MultiPL-MoE, layer 1' 4, 'MultiPL-MoE, layer 2' 5) nomirror scale 0.4 tc rgb 'black'
plot $bars0_0 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#4477aa' notitle, $bars0_1 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#ee8866' notitle, $dots0 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle
unset label
unset object
unset multiplot
unset output
