set encoding utf8
$system0 << EOD
-1.42109e-14 62.2222
-5.83333 42.7778
-3.33333 51.3889
EOD
$system1 << EOD
-5.27778 36.1111
-5.55556 23.3333
-3.33333 34.7222
EOD
$system2 << EOD
0 61.3889
-5.27778 46.3889
-2.22222 51.9444
EOD
$system3 << EOD
-1.66667 60
-4.72222 44.7222
-2.5 53.6111
EOD
$system4 << EOD
-1.42109e-14 61.6667
-6.38889 44.1667
-3.33333 52.7778
EOD
$system5 << EOD
-1.94444 48.3333
1.38889 24.1667
-2.22222 34.7222
EOD
$system6 << EOD
-2.22222 55.2778
0.555556 28.8889
-1.42109e-14 47.2222
EOD
$system7 << EOD
-1.38889 51.9444
-7.10543e-15 28.3333
-0.555556 42.7778
EOD
$system8 << EOD
-1.94444 49.7222
-0.555556 24.4444
-1.11111 37.2222
EOD
$system9 << EOD
-0.833333 58.8889
-0.833333 30.2778
-0.833333 49.7222
EOD
$system10 << EOD
-1.94444 48.6111
0.555556 26.3889
-1.66667 36.3889
EOD
$system11 << EOD
-3.33333 48.0556
-0.277778 25.5556
-1.11111 32.5
EOD
$system12 << EOD
-1.66667 46.1111
0.277778 23.6111
-2.22222 35.8333
EOD
$system13 << EOD
-0.277778 57.7778
-7.5 41.1111
-4.16667 48.3333
EOD
$system14 << EOD
-1.66667 42.5
0.277778 26.1111
-0.555556 36.1111
EOD
$system15 << EOD
-2.22222 55
-0.277778 30.2778
-1.11111 47.5
EOD
$system16 << EOD
-0.555556 63.6111
-6.94444 46.3889
-1.38889 57.2222
EOD
$system17 << EOD
-1.94444 43.8889
0.833333 21.6667
0.833333 31.6667
EOD
$system18 << EOD
-1.38889 60.8333
-3.33333 39.1667
-1.11111 51.1111
EOD
$system19 << EOD
-1.66667 60.5556
0.833333 30.8333
-2.22222 45
EOD
$system20 << EOD
-0.833333 0
-2.77778 1.11111
-1.38889 0
EOD
$system21 << EOD
0 0
0 0
0 0
EOD
$system22 << EOD
-0.866667 7.6
EOD
$system23 << EOD
-3.16667 4.3
EOD
$system24 << EOD
-2.36667 6.13333
EOD
$system25 << EOD
-4.36667 6.2
EOD

reset
set terminal svg size 900,560 noenhanced font 'DejaVu Sans,11' background 'white'
set output 'gains.svg'
set title 'Forgetting against gain: change over the base model'
set xlabel 'high-resource languages: change of pass@1, points'
set ylabel 'low-resource languages: change, points'
set key outside right top Left reverse samplen 1
set tics out nomirror scale 0.4
set border 3 lc rgb '#888888'
set xtics tc rgb 'black'
set ytics tc rgb 'black'
set grid lt 1 lw 1 lc rgb '#dddddd'
set xrange [-8.71111:2.6]
set yrange [-5.58889:69.2]
set xzeroaxis lt 1 lw 1.5 lc rgb '#888888'
set yzeroaxis lt 1 lw 1.5 lc rgb '#888888'
plot $system0 using 1:2 with points pt 7 ps 1.1 lc rgb '#4477aa' title 'post-pretraining', $system1 using 1:2 with points pt 5 ps 1.1 lc rgb '#ee8866' title 'LoRA', $system2 using 1:2 with points pt 9 ps 1.1 lc rgb '#228833' title 'GShard', $system3 using 1:2 with points pt 13 ps 1.1 lc rgb '#ccbb44' title 'Mixtral', $system4 using 1:2 with points pt 11 ps 1.1 lc rgb '#66ccee' title 'Qwen1.5-MoE', $system5 using 1:2 with points pt 7 ps 1.1 lc rgb '#aa3377' title 'MultiPL-MoE', $system6 using 1:2 with points pt 5 ps 1.1 lc rgb '#4477aa' title 'MultiPL-MoE, causal', $system7 using 1:2 with points pt 9 ps 1.1 lc rgb '#ee8866' title 'without segments', $system8 using 1:2 with points pt 13 ps 1.1 lc rgb '#228833' title 'without the shared expert', $system9 using 1:2 with points pt 11 ps 1.1 lc rgb '#ccbb44' title 'without both', $system10 using 1:2 with points pt 7 ps 1.1 lc rgb '#66ccee' title '4 token, 4 segment experts', $system11 using 1:2 with points pt 5 ps 1.1 lc rgb '#aa3377' title '8 token, 4 segment experts', $system12 using 1:2 with points pt 9 ps 1.1 lc rgb '#4477aa' title '4 token, 8 segment experts', $system13 using 1:2 with points pt 13 ps 1.1 lc rgb '#ee8866' title 'MultiPL-MoE, all weights trained', $system14 using 1:2 with points pt 11 ps 1.1 lc rgb '#228833' title 'MultiPL-MoE, random routers', $system15 using 1:2 with points pt 7 ps 1.1 lc rgb '#ccbb44' title 'post-pretraining, feed-forward networks only', $system16 using 1:2 with points pt 5 ps 1.1 lc rgb '#66ccee' title 'post-pretraining for equal time', $system17 using 1:2 with points pt 9 ps 1.1 lc rgb '#aa3377' title 'MultiPL-MoE, mixed 7:3', $system18 using 1:2 with points pt 13 ps 1.1 lc rgb '#4477aa' title 'post-pretraining, mixed 7:3', $system19 using 1:2 with points pt 11 ps 1.1 lc rgb '#ee8866' title 'MoLE', $system20 using 1:2 with points pt 7 ps 1.1 lc rgb '#228833' title 'MultiPL-MoE, untrained', $system21 using 1:2 with points pt 5 ps 1.1 lc rgb '#ccbb44' title 'MultiPL-MoE, causal, untrained', $system22 using 1:2 with points pt 8 ps 1.1 lc rgb '#999999' title 'MultiPL-MoE, the paper''s', $system23 using 1:2 with points pt 12 ps 1.1 lc rgb '#999999' title 'without segments, the paper''s', $system24 using 1:2 with points pt 10 ps 1.1 lc rgb '#999999' title 'without the shared expert, the paper''s', $system25 using 1:2 with points pt 6 ps 1.1 lc rgb '#999999' title 'without both, the paper''s'
unset output

reset
set terminal pngcairo size 900,560 noenhanced font 'DejaVu Sans,11' background 'white'
set output 'gains.png'
set title 'Forgetting against gain: change over the base model'
set xlabel 'high-resource languages: change of pass@1, points'
set ylabel 'low-resource languages: change, points'
set key outside right top Left reverse samplen 1
set tics out nomirror scale 0.4
set border 3 lc rgb '#888888'
set xtics tc rgb 'black'
set ytics tc rgb 'black'
set grid lt 1 lw 1 lc rgb '#dddddd'
set xrange [-8.71111:2.6]
set yrange [-5.58889:69.2]
set xzeroaxis lt 1 lw 1.5 lc rgb '#888888'
set yzeroaxis lt 1 lw 1.5 lc rgb '#888888'
plot $system0 using 1:2 with points pt 7 ps 1.1 lc rgb '#4477aa' title 'post-pretraining', $system1 using 1:2 with points pt 5 ps 1.1 lc rgb '#ee8866' title 'LoRA', $system2 using 1:2 with points pt 9 ps 1.1 lc rgb '#228833' title 'GShard', $system3 using 1:2 with points pt 13 ps 1.1 lc rgb '#ccbb44' title 'Mixtral', $system4 using 1:2 with points pt 11 ps 1.1 lc rgb '#66ccee' title 'Qwen1.5-MoE', $system5 using 1:2 with points pt 7 ps 1.1 lc rgb '#aa3377' title 'MultiPL-MoE', $system6 using 1:2 with points pt 5 ps 1.1 lc rgb '#4477aa' title 'MultiPL-MoE, causal', $system7 using 1:2 with points pt 9 ps 1.1 lc rgb '#ee8866' title 'without segments', $system8 using 1:2 with points pt 13 ps 1.1 lc rgb '#228833' title 'without the shared expert', $system9 using 1:2 with points pt 11 ps 1.1 lc rgb '#ccbb44' title 'without both', $system10 using 1:2 with points pt 7 ps 1.1 lc rgb '#66ccee' title '4 token, 4 segment experts', $system11 using 1:2 with points pt 5 ps 1.1 lc rgb '#aa3377' title '8 token, 4 segment experts', $system12 using 1:2 with points pt 9 ps 1.1 lc rgb '#4477aa' title '4 token, 8 segment experts', $system13 using 1:2 with points pt 13 ps 1.1 lc rgb '#ee8866' title 'MultiPL-MoE, all weights trained', $system14 using 1:2 with points pt 11 ps 1.1 lc rgb '#228833' title 'MultiPL-MoE, random routers', $system15 using 1:2 with points pt 7 ps 1.1 lc rgb '#ccbb44' title 'post-pretraining, feed-forward networks only', $system16 using 1:2 with points pt 5 ps 1.1 lc rgb '#66ccee' title 'post-pretraining for equal time', $system17 using 1:2 with points pt 9 ps 1.1 lc rgb '#aa3377' title 'MultiPL-MoE, mixed 7:3', $system18 using 1:2 with points pt 13 ps 1.1 lc rgb '#4477aa' title 'post-pretraining, mixed 7:3', $system19 using 1:2 with points pt 11 ps 1.1 lc rgb '#ee8866' title 'MoLE', $system20 using 1:2 with points pt 7 ps 1.1 lc rgb '#228833' title 'MultiPL-MoE, untrained', $system21 using 1:2 with points pt 5 ps 1.1 lc rgb '#ccbb44' title 'MultiPL-MoE, causal, untrained', $system22 using 1:2 with points pt 8 ps 1.1 lc rgb '#999999' title 'MultiPL-MoE, the paper''s', $system23 using 1:2 with points pt 12 ps 1.1 lc rgb '#999999' title 'without segments, the paper''s', $system24 using 1:2 with points pt 10 ps 1.1 lc rgb '#999999' title 'without the shared expert, the paper''s', $system25 using 1:2 with points pt 6 ps 1.1 lc rgb '#999999' title 'without both, the paper''s'
unset output
