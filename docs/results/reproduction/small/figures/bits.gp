set encoding utf8
$bars0_0 << EOD
2.24292 0 0 2.24292 -0.368 0.368
2.35049 1 0 2.35049 0.632 1.368
2.33396 2 0 2.33396 1.632 2.368
2.289 3 0 2.289 2.632 3.368
2.31238 4 0 2.31238 3.632 4.368
2.32646 5 0 2.32646 4.632 5.368
2.31185 6 0 2.31185 5.632 6.368
2.3154 7 0 2.3154 6.632 7.368
2.30763 8 0 2.30763 7.632 8.368
2.33949 9 0 2.33949 8.632 9.368
2.33542 10 0 2.33542 9.632 10.368
2.26382 11 0 2.26382 10.632 11.368
2.23705 12 0 2.23705 11.632 12.368
2.24292 13 0 2.24292 12.632 13.368
EOD
$dots0 << EOD
2.25037 0
2.26888 0
2.20952 0
2.35775 1
2.36602 1
2.32769 1
2.33672 2
2.34097 2
2.3242 2
2.29527 3
2.29505 3
2.27667 3
2.31312 4
2.31586 4
2.30815 4
2.33251 5
2.34145 5
2.30541 5
2.32187 6
2.32317 6
2.29052 6
2.31164 7
2.32985 7
2.30471 7
2.30926 8
2.3183 8
2.29533 8
2.3405 9
2.35962 9
2.31834 9
2.33649 10
2.35309 10
2.31668 10
2.26949 11
2.28292 11
2.23905 11
2.24664 12
2.24984 12
2.21468 12
2.25037 13
2.26888 13
2.20952 13
EOD
$bars1_0 << EOD
2.09361 0 0 2.09361 -0.368 0.368
2.29314 1 0 2.29314 0.632 1.368
2.26001 2 0 2.26001 1.632 2.368
2.20984 3 0 2.20984 2.632 3.368
2.23839 4 0 2.23839 3.632 4.368
2.26509 5 0 2.26509 4.632 5.368
2.20072 6 0 2.20072 5.632 6.368
2.21892 7 0 2.21892 6.632 7.368
2.21075 8 0 2.21075 7.632 8.368
2.26457 9 0 2.26457 8.632 9.368
2.28009 10 0 2.28009 9.632 10.368
2.16226 11 0 2.16226 10.632 11.368
2.16168 12 0 2.16168 11.632 12.368
2.09361 13 0 2.09361 12.632 13.368
EOD
$dots1 << EOD
2.11581 0
2.10686 0
2.05817 0
2.34078 1
2.28331 1
2.25534 1
2.28166 2
2.25773 2
2.24065 2
2.24534 3
2.20741 3
2.17676 3
2.27164 4
2.23213 4
2.21139 4
2.29889 5
2.26614 5
2.23023 5
2.23377 6
2.21112 6
2.15726 6
2.24744 7
2.22866 7
2.18064 7
2.24364 8
2.21534 8
2.17326 8
2.29964 9
2.2704 9
2.22368 9
2.31055 10
2.29468 10
2.23504 10
2.18884 11
2.18769 11
2.11023 11
2.17921 12
2.1814 12
2.12444 12
2.11581 13
2.10686 13
2.05817 13
EOD
$bars2_0 << EOD
2.04524 0 0 2.04524 -0.368 0.368
2.37936 1 0 2.37936 0.632 1.368
2.27317 2 0 2.27317 1.632 2.368
2.31814 3 0 2.31814 2.632 3.368
2.34994 4 0 2.34994 3.632 4.368
2.37993 5 0 2.37993 4.632 5.368
2.30239 6 0 2.30239 5.632 6.368
2.30458 7 0 2.30458 6.632 7.368
2.31865 8 0 2.31865 7.632 8.368
2.33626 9 0 2.33626 8.632 9.368
2.40623 10 0 2.40623 9.632 10.368
2.18994 11 0 2.18994 10.632 11.368
2.16694 12 0 2.16694 11.632 12.368
2.04524 13 0 2.04524 12.632 13.368
EOD
$dots2 << EOD
2.03659 0
2.04572 0
2.05342 0
2.36845 1
2.39914 1
2.37048 1
2.25283 2
2.28122 2
2.28548 2
2.31503 3
2.32262 3
2.31677 3
2.35033 4
2.35827 4
2.34121 4
2.38187 5
2.39084 5
2.36709 5
2.30524 6
2.31057 6
2.29137 6
2.30318 7
2.31955 7
2.29101 7
2.31858 8
2.33498 8
2.30239 8
2.32782 9
2.3578 9
2.32317 9
2.41017 10
2.41613 10
2.3924 10
2.17973 11
2.21026 11
2.17984 11
2.18462 12
2.16735 12
2.14886 12
2.03659 13
2.04572 13
2.05342 13
EOD
$bars3_0 << EOD
3.18653 0 0 3.18653 -0.368 0.368
2.46349 1 0 2.46349 0.632 1.368
2.78054 2 0 2.78054 1.632 2.368
2.35688 3 0 2.35688 2.632 3.368
2.3624 4 0 2.3624 3.632 4.368
2.36378 5 0 2.36378 4.632 5.368
2.48513 6 0 2.48513 5.632 6.368
2.50244 7 0 2.50244 6.632 7.368
2.45303 8 0 2.45303 7.632 8.368
2.57129 9 0 2.57129 8.632 9.368
2.36577 10 0 2.36577 9.632 10.368
2.51913 11 0 2.51913 10.632 11.368
2.39598 12 0 2.39598 11.632 12.368
3.18653 13 0 3.18653 12.632 13.368
EOD
$dots3 << EOD
3.22196 0
3.17139 0
3.16625 0
2.47673 1
2.45905 1
2.45468 1
2.79264 2
2.79269 2
2.75629 2
2.36336 3
2.34914 3
2.35814 3
2.36848 4
2.35443 4
2.36428 4
2.35966 5
2.3571 5
2.37458 5
2.49356 6
2.49037 6
2.47144 6
2.50912 7
2.50026 7
2.49794 7
2.46439 8
2.45198 8
2.44273 8
2.58411 9
2.57418 9
2.55558 9
2.37362 10
2.36462 10
2.35907 10
2.53486 11
2.5172 11
2.50534 11
2.41347 12
2.38701 12
2.38748 12
3.22196 13
3.17139 13
3.16625 13
EOD
$bars4_0 << EOD
5.07067 0 0 5.07067 -0.368 0.368
2.62046 1 0 2.62046 0.632 1.368
3.14828 2 0 3.14828 1.632 2.368
2.49543 3 0 2.49543 2.632 3.368
2.49323 4 0 2.49323 3.632 4.368
2.50315 5 0 2.50315 4.632 5.368
2.82819 6 0 2.82819 5.632 6.368
2.85177 7 0 2.85177 6.632 7.368
2.81102 8 0 2.81102 7.632 8.368
2.95697 9 0 2.95697 8.632 9.368
2.50851 10 0 2.50851 9.632 10.368
2.6707 11 0 2.6707 10.632 11.368
2.74878 12 0 2.74878 11.632 12.368
5.07067 13 0 5.07067 12.632 13.368
EOD
$dots4 << EOD
5.20386 0
5.16265 0
4.84549 0
2.6386 1
2.62203 1
2.60075 1
3.10929 2
3.13571 2
3.19984 2
2.49901 3
2.4844 3
2.50287 3
2.50233 4
2.49433 4
2.48303 4
2.50389 5
2.50707 5
2.49848 5
2.80153 6
2.82353 6
2.85951 6
2.82254 7
2.83228 7
2.9005 7
2.77951 8
2.79688 8
2.85666 8
2.93211 9
2.94747 9
2.99134 9
2.51736 10
2.51064 10
2.49752 10
2.67234 11
2.68879 11
2.65098 11
2.7368 12
2.71854 12
2.791 12
5.20386 13
5.16265 13
4.84549 13
EOD
$bars5_0 << EOD
2.81331 0 0 2.81331 -0.368 0.368
2.26879 1 0 2.26879 0.632 1.368
2.49464 2 0 2.49464 1.632 2.368
2.16936 3 0 2.16936 2.632 3.368
2.17537 4 0 2.17537 3.632 4.368
2.17814 5 0 2.17814 4.632 5.368
2.28641 6 0 2.28641 5.632 6.368
2.30472 7 0 2.30472 6.632 7.368
2.26534 8 0 2.26534 7.632 8.368
2.36607 9 0 2.36607 8.632 9.368
2.16715 10 0 2.16715 9.632 10.368
2.29818 11 0 2.29818 10.632 11.368
2.1865 12 0 2.1865 11.632 12.368
2.81331 13 0 2.81331 12.632 13.368
EOD
$dots5 << EOD
2.82612 0
2.81242 0
2.80137 0
2.27392 1
2.28113 1
2.25132 1
2.5088 2
2.504 2
2.47113 2
2.15913 3
2.18182 3
2.16712 3
2.16029 4
2.19045 4
2.17536 4
2.16173 5
2.19407 5
2.17862 5
2.28083 6
2.30018 6
2.27823 6
2.29913 7
2.31537 7
2.29965 7
2.25491 8
2.28569 8
2.2554 8
2.37412 9
2.37877 9
2.34531 9
2.17189 10
2.17802 10
2.15154 10
2.31064 11
2.30837 11
2.27554 11
2.18964 12
2.20998 12
2.15989 12
2.82612 13
2.81242 13
2.80137 13
EOD

reset
set terminal svg size 1082,1042 noenhanced font 'DejaVu Sans,11' background 'white'
set output 'bits.svg'
set multiplot
set label 1 'Real code: bits per byte' at screen 0.5,0.98273 center font 'DejaVu Sans,13' front
set label 102 '' at screen 0.47597,0.95585 point pt 7 ps 0.5 lc rgb '#333333' front
set label 2 'a seed' at screen 0.48614,0.95585 left front
unset key
set yrange [13.5:-0.5]
set tics out nomirror scale 0.4
set grid xtics lt 1 lw 1 lc rgb '#dddddd'
set border 3 lc rgb '#888888'
set lmargin at screen 0.34750
set rmargin at screen 0.54159
set tmargin at screen 0.91939
set bmargin at screen 0.51631
set title 'Python' offset 0,-0.6 tc rgb 'black'
set xlabel '' offset 0,0.4
set xrange [1.5615:5.67895]
set xtics 1
set xtics tc rgb 'black'
set ytics ('base' 0, 'post-pretraining' 1, 'LoRA' 2, 'GShard' 3, 'Mixtral' 4, 'Qwen1.5-MoE' 5, 'MultiPL-MoE, causal' 6, 'without segments' 7, 'without both' 8, 'post-pretraining, feed-forward networks only' 9, 'post-pretraining for equal time' 10, 'post-pretraining, mixed 7:3' 11, 'MoLE' 12, 'MultiPL-MoE, causal, untrained' 13) nomirror scale 0.4 tc rgb 'black'
plot $bars0_0 using 1:5:(0):($6-$5) with vectors nohead lw 2.5 dt (5,3) lc rgb '#4477aa' notitle, $dots0 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle
unset label
unset object
set lmargin at screen 0.56562
set rmargin at screen 0.75970
set tmargin at screen 0.91939
set bmargin at screen 0.51631
set title 'Java' offset 0,-0.6 tc rgb 'black'
set xlabel '' offset 0,0.4
set xrange [1.5615:5.67895]
set xtics 1
set xtics tc rgb 'black'
unset ytics
plot $bars1_0 using 1:5:(0):($6-$5) with vectors nohead lw 2.5 dt (5,3) lc rgb '#4477aa' notitle, $dots1 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle
set lmargin at screen 0.78373
set rmargin at screen 0.97782
set tmargin at screen 0.91939
set bmargin at screen 0.51631
set title 'C++' offset 0,-0.6 tc rgb 'black'
set xlabel '' offset 0,0.4
set xrange [1.5615:5.67895]
set xtics 1
set xtics tc rgb 'black'
unset ytics
plot $bars2_0 using 1:5:(0):($6-$5) with vectors nohead lw 2.5 dt (5,3) lc rgb '#4477aa' notitle, $dots2 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle
set lmargin at screen 0.34750
set rmargin at screen 0.54159
set tmargin at screen 0.45681
set bmargin at screen 0.05374
set title 'Rust' offset 0,-0.6 tc rgb 'black'
set xlabel 'bits per byte' offset 0,0.4
set xrange [1.5615:5.67895]
set xtics 1
set xtics tc rgb 'black'
set ytics ('base' 0, 'post-pretraining' 1, 'LoRA' 2, 'GShard' 3, 'Mixtral' 4, 'Qwen1.5-MoE' 5, 'MultiPL-MoE, causal' 6, 'without segments' 7, 'without both' 8, 'post-pretraining, feed-forward networks only' 9, 'post-pretraining for equal time' 10, 'post-pretraining, mixed 7:3' 11, 'MoLE' 12, 'MultiPL-MoE, causal, untrained' 13) nomirror scale 0.4 tc rgb 'black'
plot $bars3_0 using 1:5:(0):($6-$5) with vectors nohead lw 2.5 dt (5,3) lc rgb '#4477aa' notitle, $dots3 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle
set lmargin at screen 0.56562
set rmargin at screen 0.75970
set tmargin at screen 0.45681
set bmargin at screen 0.05374
set title 'Go' offset 0,-0.6 tc rgb 'black'
set xlabel 'bits per byte' offset 0,0.4
set xrange [1.5615:5.67895]
set xtics 1
set xtics tc rgb 'black'
unset ytics
plot $bars4_0 using 1:5:(0):($6-$5) with vectors nohead lw 2.5 dt (5,3) lc rgb '#4477aa' notitle, $dots4 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle
set lmargin at screen 0.78373
set rmargin at screen 0.97782
set tmargin at screen 0.45681
set bmargin at screen 0.05374
set title 'Ruby' offset 0,-0.6 tc rgb 'black'
set xlabel 'bits per byte' offset 0,0.4
set xrange [1.5615:5.67895]
set xtics 1
set xtics tc rgb 'black'
unset ytics
plot $bars5_0 using 1:5:(0):($6-$5) with vectors nohead lw 2.5 dt (5,3) lc rgb '#4477aa' notitle, $dots5 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle
unset multiplot
unset output

reset
set terminal pngcairo size 1082,1042 noenhanced font 'DejaVu Sans,11' background 'white'
set output 'bits.png'
set multiplot
set label 1 'Real code: bits per byte' at screen 0.5,0.98273 center font 'DejaVu Sans,13' front
set label 102 '' at screen 0.47597,0.95585 point pt 7 ps 0.5 lc rgb '#333333' front
set label 2 'a seed' at screen 0.48614,0.95585 left front
unset key
set yrange [13.5:-0.5]
set tics out nomirror scale 0.4
set grid xtics lt 1 lw 1 lc rgb '#dddddd'
set border 3 lc rgb '#888888'
set lmargin at screen 0.34750
set rmargin at screen 0.54159
set tmargin at screen 0.91939
set bmargin at screen 0.51631
set title 'Python' offset 0,-0.6 tc rgb 'black'
set xlabel '' offset 0,0.4
set xrange [1.5615:5.67895]
set xtics 1
set xtics tc rgb 'black'
set ytics ('base' 0, 'post-pretraining' 1, 'LoRA' 2, 'GShard' 3, 'Mixtral' 4, 'Qwen1.5-MoE' 5, 'MultiPL-MoE, causal' 6, 'without segments' 7, 'without both' 8, 'post-pretraining, feed-forward networks only' 9, 'post-pretraining for equal time' 10, 'post-pretraining, mixed 7:3' 11, 'MoLE' 12, 'MultiPL-MoE, causal, untrained' 13) nomirror scale 0.4 tc rgb 'black'
plot $bars0_0 using 1:5:(0):($6-$5) with vectors nohead lw 2.5 dt (5,3) lc rgb '#4477aa' notitle, $dots0 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle
unset label
unset object
set lmargin at screen 0.56562
set rmargin at screen 0.75970
set tmargin at screen 0.91939
set bmargin at screen 0.51631
set title 'Java' offset 0,-0.6 tc rgb 'black'
set xlabel '' offset 0,0.4
set xrange [1.5615:5.67895]
set xtics 1
set xtics tc rgb 'black'
unset ytics
plot $bars1_0 using 1:5:(0):($6-$5) with vectors nohead lw 2.5 dt (5,3) lc rgb '#4477aa' notitle, $dots1 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle
set lmargin at screen 0.78373
set rmargin at screen 0.97782
set tmargin at screen 0.91939
set bmargin at screen 0.51631
set title 'C++' offset 0,-0.6 tc rgb 'black'
set xlabel '' offset 0,0.4
set xrange [1.5615:5.67895]
set xtics 1
set xtics tc rgb 'black'
unset ytics
plot $bars2_0 using 1:5:(0):($6-$5) with vectors nohead lw 2.5 dt (5,3) lc rgb '#4477aa' notitle, $dots2 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle
set lmargin at screen 0.34750
set rmargin at screen 0.54159
set tmargin at screen 0.45681
set bmargin at screen 0.05374
set title 'Rust' offset 0,-0.6 tc rgb 'black'
set xlabel 'bits per byte' offset 0,0.4
set xrange [1.5615:5.67895]
set xtics 1
set xtics tc rgb 'black'
set ytics ('base' 0, 'post-pretraining' 1, 'LoRA' 2, 'GShard' 3, 'Mixtral' 4, 'Qwen1.5-MoE' 5, 'MultiPL-MoE, causal' 6, 'without segments' 7, 'without both' 8, 'post-pretraining, feed-forward networks only' 9, 'post-pretraining for equal time' 10, 'post-pretraining, mixed 7:3' 11, 'MoLE' 12, 'MultiPL-MoE, causal, untrained' 13) nomirror scale 0.4 tc rgb 'black'
plot $bars3_0 using 1:5:(0):($6-$5) with vectors nohead lw 2.5 dt (5,3) lc rgb '#4477aa' notitle, $dots3 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle
set lmargin at screen 0.56562
set rmargin at screen 0.75970
set tmargin at screen 0.45681
set bmargin at screen 0.05374
set title 'Go' offset 0,-0.6 tc rgb 'black'
set xlabel 'bits per byte' offset 0,0.4
set xrange [1.5615:5.67895]
set xtics 1
set xtics tc rgb 'black'
unset ytics
plot $bars4_0 using 1:5:(0):($6-$5) with vectors nohead lw 2.5 dt (5,3) lc rgb '#4477aa' notitle, $dots4 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle
set lmargin at screen 0.78373
set rmargin at screen 0.97782
set tmargin at screen 0.45681
set bmargin at screen 0.05374
set title 'Ruby' offset 0,-0.6 tc rgb 'black'
set xlabel 'bits per byte' offset 0,0.4
set xrange [1.5615:5.67895]
set xtics 1
set xtics tc rgb 'black'
unset ytics
plot $bars5_0 using 1:5:(0):($6-$5) with vectors nohead lw 2.5 dt (5,3) lc rgb '#4477aa' notitle, $dots5 using 1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle
unset multiplot
unset output
