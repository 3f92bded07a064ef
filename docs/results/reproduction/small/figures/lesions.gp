set encoding utf8
$bars0_0 << EOD
0.0178241 -0.2 0 0.0178241 -0.384 -0.016
-0.000558809 0.8 0 -0.000558809 0.616 0.984
0.0706427 1.8 0 0.0706427 1.616 1.984
0.178959 2.8 0 0.178959 2.616 2.984
0.00921195 3.8 0 0.00921195 3.616 3.984
0.0227744 4.8 0 0.0227744 4.616 4.984
EOD
$bars0_1 << EOD
0.223926 0.2 0 0.223926 0.016 0.384
0.00755722 1.2 0 0.00755722 1.016 1.384
0.0951842 2.2 0 0.0951842 2.016 2.384
0.786174 3.2 0 0.786174 3.016 3.384
0.0290601 4.2 0 0.0290601 4.016 4.384
0.0167218 5.2 0 0.0167218 5.016 5.384
EOD
$dots0 << EOD
0.0204822 -0.2
0.0191094 -0.2
0.0138808 -0.2
-0.000577788 0.8
-0.00124584 0.8
0.000147196 0.8
0.0915403 1.8
0.0598718 1.8
0.0605161 1.8
0.209499 2.8
0.181392 2.8
0.145986 2.8
0.0085217 3.8
0.00929866 3.8
0.00981548 3.8
0.0216084 4.8
0.0245656 4.8
0.0221493 4.8
0.240563 0.2
0.211303 0.2
0.219912 0.2
0.00795905 1.2
0.00819615 1.2
0.00651644 1.2
0.125689 2.2
0.0656217 2.2
0.0942418 2.2
0.875721 3.2
0.774996 3.2
0.707806 3.2
0.0282555 4.2
0.0253671 4.2
0.0335575 4.2
0.0160173 5.2
0.0173415 5.2
0.0168066 5.2
EOD

reset
set terminal svg size 700,308 noenhanced font 'DejaVu Sans,11' background 'white'
set output 'lesions.svg'
set multiplot
set label 1 'What the experts are worth: bits per byte more without their outputs' at screen 0.5,0.94156 center font 'DejaVu Sans,13' front
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
set lmargin at screen 0.52571
set rmargin at screen 0.96571
set tmargin at screen 0.72727
set bmargin at screen 0.18182
set title 'mean of three languages' offset 0,-0.6 tc rgb 'black'
set xlabel 'bits per byte more' offset 0,0.4
set xrange [-0.0450942:0.919569]
set xtics 0.2
set xtics tc rgb 'black'
set yzeroaxis lt 1 lw 1 lc rgb '#888888'
set ytics ('MultiPL-MoE, causal without token experts' 0, 'MultiPL-MoE, causal without segment experts' 1, 'MultiPL-MoE, causal without shared experts' 2, 'MultiPL-MoE without token experts' 3, 'MultiPL-MoE without segment experts' 4, 'MultiPL-MoE without shared experts' 5) nomirror scale 0.4 tc rgb 'black'
plot $bars0_0 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#4477aa' notitle, $bars0_1 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#ee8866' notitle, $dots0 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle
unset label
unset object
unset multiplot
unset output

reset
set terminal pngcairo size 700,308 noenhanced font 'DejaVu Sans,11' background 'white'
set output 'lesions.png'
set multiplot
set label 1 'What the experts are worth: bits per byte more without their outputs' at screen 0.5,0.94156 center font 'DejaVu Sans,13' front
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
set lmargin at screen 0.52571
set rmargin at screen 0.96571
set tmargin at screen 0.72727
set bmargin at screen 0.18182
set title 'mean of three languages' offset 0,-0.6 tc rgb 'black'
set xlabel 'bits per byte more' offset 0,0.4
set xrange [-0.0450942:0.919569]
set xtics 0.2
set xtics tc rgb 'black'
set yzeroaxis lt 1 lw 1 lc rgb '#888888'
set ytics ('MultiPL-MoE, causal without token experts' 0, 'MultiPL-MoE, causal without segment experts' 1, 'MultiPL-MoE, causal without shared experts' 2, 'MultiPL-MoE without token experts' 3, 'MultiPL-MoE without segment experts' 4, 'MultiPL-MoE without shared experts' 5) nomirror scale 0.4 tc rgb 'black'
plot $bars0_0 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#4477aa' notitle, $bars0_1 using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#ee8866' notitle, $dots0 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle
unset label
unset object
unset multiplot
unset output
