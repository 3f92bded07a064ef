set encoding utf8
$panel0 << EOD
0.28169 0.197183 0.253521 0.197183 0.169014 0.197183 0.183099 0.126761 0.140845 0.084507 0.169014 0.15493 0.0704225 0.0422535 0.126761 0.112676 
0.239437 0.169014 0.169014 0.183099 0.140845 0.169014 0.253521 0.140845 0.15493 0.112676 0.140845 0.028169 0.15493 0.0985915 0.197183 0.15493 
0.183099 0.239437 0.112676 0.169014 0.140845 0.140845 0.140845 0.169014 0.140845 0.112676 0.169014 0.183099 0.126761 0.169014 0.211268 0.0985915 
0.197183 0.140845 0.140845 0.126761 0.197183 0.140845 0.140845 0.0985915 0.28169 0.15493 0.112676 0.15493 0.126761 0.225352 0.140845 0.126761 
0.309859 0.197183 0.126761 0.211268 0.0985915 0.169014 0.169014 0.239437 0.0985915 0.169014 0.112676 0.15493 0.140845 0.126761 0.0985915 0.084507 
0.183099 0.140845 0.0985915 0.15493 0.169014 0.0985915 0.140845 0.197183 0.253521 0.169014 0.112676 0.169014 0.126761 0.112676 0.225352 0.15493 
EOD
$panel1 << EOD
0.140845 0.169014 0.15493 0.140845 0.169014 0.112676 0.211268 0.15493 0.225352 0.169014 0.211268 0.183099 0.056338 0.112676 0.183099 0.112676 
0.197183 0.183099 0.140845 0.126761 0.126761 0.112676 0.15493 0.15493 0.211268 0.169014 0.084507 0.169014 0.183099 0.253521 0.112676 0.126761 
0.253521 0.140845 0.126761 0.0985915 0.140845 0.211268 0.126761 0.211268 0.112676 0.126761 0.140845 0.183099 0.197183 0.140845 0.0985915 0.197183 
0.169014 0.253521 0.169014 0.197183 0.169014 0.126761 0.197183 0.126761 0.084507 0.225352 0.183099 0.112676 0.0704225 0.169014 0.140845 0.112676 
0.140845 0.253521 0.169014 0.211268 0.169014 0.183099 0.169014 0.126761 0.0704225 0.169014 0.126761 0.169014 0.126761 0.112676 0.169014 0.140845 
0.253521 0.140845 0.183099 0.126761 0.197183 0.15493 0.084507 0.169014 0.15493 0.112676 0.126761 0.239437 0.112676 0.112676 0.169014 0.169014 
EOD
$panel2 << EOD
0.169014 0.0985915 0.197183 0.0985915 0.15493 0.169014 0.140845 0.126761 0.140845 0.169014 0.225352 0.225352 0.112676 0.112676 0.169014 0.197183 
0.225352 0.197183 0.183099 0.140845 0.225352 0.126761 0.169014 0.183099 0.112676 0.183099 0.15493 0.169014 0.084507 0.112676 0.126761 0.112676 
0.239437 0.169014 0.169014 0.15493 0.140845 0.169014 0.126761 0.0985915 0.169014 0.169014 0.183099 0.197183 0.140845 0.112676 0.112676 0.15493 
0.140845 0.169014 0.126761 0.140845 0.126761 0.0985915 0.0704225 0.112676 0.225352 0.126761 0.197183 0.169014 0.225352 0.225352 0.169014 0.183099 
0.0985915 0.112676 0.0985915 0.140845 0.225352 0.183099 0.225352 0.211268 0.211268 0.112676 0.15493 0.0985915 0.140845 0.15493 0.183099 0.15493 
0.183099 0.15493 0.211268 0.183099 0.0704225 0.211268 0.126761 0.126761 0.112676 0.183099 0.183099 0.15493 0.126761 0.169014 0.126761 0.183099 
EOD

reset
set terminal svg size 1332,476 noenhanced font 'DejaVu Sans,11' background 'white'
set output 'segment_positions_python.svg'
set multiplot
set label 1 'Python: share of sequences whose segment at a position an expert processes' at screen 0.5,0.96218 center font 'DejaVu Sans,13' front
set palette defined (0 '#f7fbff', 0.25 '#c6dbef', 0.5 '#6baed6', 0.75 '#2171b5', 1 '#08306b')
set cbrange [0:0.3099]
set cblabel 'share' offset 1.4,0
set format cb '%.2f'
unset key
set colorbox user origin screen 0.92042,0.12605 size screen 0.01051,0.73950
set object 1 rectangle from graph 0,0 to graph 1,1 behind fillcolor rgb '#dddddd' fillstyle solid noborder
set xrange [-0.5:15.5]
set yrange [5.5:-0.5]
set tics out nomirror scale 0.4
set xtics ('1' 0, '2' 1, '3' 2, '4' 3, '5' 4, '6' 5, '7' 6, '8' 7, '9' 8, '10' 9, '11' 10, '12' 11, '13' 12, '14' 13, '15' 14, '16' 15)
set lmargin at screen 0.06757
set rmargin at screen 0.47598
set tmargin at screen 0.86555
set bmargin at screen 0.56303
set title 'layer 0' offset 0,-0.6
unset xlabel
set ylabel 'expert' offset 0.6,0
set ytics ('0' 0, '1' 1, '2' 2, '3' 3, '4' 4, '5' 5)
plot $panel0 matrix using 1:2:((0) ? NaN : $3) with image, $panel0 matrix using 1:2:(sprintf('%.2f', $3)):(!(0) && $3 > 0.1704 ? 0xffffff : 0x222222) with labels font ',8' tc rgb variable
unset colorbox
unset label 1
set lmargin at screen 0.49399
set rmargin at screen 0.90240
set tmargin at screen 0.86555
set bmargin at screen 0.56303
set title 'layer 1' offset 0,-0.6
set xlabel 'position' offset 0,0.4
unset ylabel
unset ytics
plot $panel1 matrix using 1:2:((0) ? NaN : $3) with image, $panel1 matrix using 1:2:(sprintf('%.2f', $3)):(!(0) && $3 > 0.1704 ? 0xffffff : 0x222222) with labels font ',8' tc rgb variable
set lmargin at screen 0.06757
set rmargin at screen 0.47598
set tmargin at screen 0.42857
set bmargin at screen 0.12605
set title 'layer 2' offset 0,-0.6
set xlabel 'position' offset 0,0.4
set ylabel 'expert' offset 0.6,0
set ytics ('0' 0, '1' 1, '2' 2, '3' 3, '4' 4, '5' 5)
plot $panel2 matrix using 1:2:((0) ? NaN : $3) with image, $panel2 matrix using 1:2:(sprintf('%.2f', $3)):(!(0) && $3 > 0.1704 ? 0xffffff : 0x222222) with labels font ',8' tc rgb variable
unset multiplot
unset output

reset
set terminal pngcairo size 1332,476 noenhanced font 'DejaVu Sans,11' background 'white'
set output 'segment_positions_python.png'
set multiplot
set label 1 'Python: share of sequences whose segment at a position an expert processes' at screen 0.5,0.96218 center font 'DejaVu Sans,13' front
set palette defined (0 '#f7fbff', 0.25 '#c6dbef', 0.5 '#6baed6', 0.75 '#2171b5', 1 '#08306b')
set cbrange [0:0.3099]
set cblabel 'share' offset 1.4,0
set format cb '%.2f'
unset key
set colorbox user origin screen 0.92042,0.12605 size screen 0.01051,0.73950
set object 1 rectangle from graph 0,0 to graph 1,1 behind fillcolor rgb '#dddddd' fillstyle solid noborder
set xrange [-0.5:15.5]
set yrange [5.5:-0.5]
set tics out nomirror scale 0.4
set xtics ('1' 0, '2' 1, '3' 2, '4' 3, '5' 4, '6' 5, '7' 6, '8' 7, '9' 8, '10' 9, '11' 10, '12' 11, '13' 12, '14' 13, '15' 14, '16' 15)
set lmargin at screen 0.06757
set rmargin at screen 0.47598
set tmargin at screen 0.86555
set bmargin at screen 0.56303
set title 'layer 0' offset 0,-0.6
unset xlabel
set ylabel 'expert' offset 0.6,0
set ytics ('0' 0, '1' 1, '2' 2, '3' 3, '4' 4, '5' 5)
plot $panel0 matrix using 1:2:((0) ? NaN : $3) with image, $panel0 matrix using 1:2:(sprintf('%.2f', $3)):(!(0) && $3 > 0.1704 ? 0xffffff : 0x222222) with labels font ',8' tc rgb variable
unset colorbox
unset label 1
set lmargin at screen 0.49399
set rmargin at screen 0.90240
set tmargin at screen 0.86555
set bmargin at screen 0.56303
set title 'layer 1' offset 0,-0.6
set xlabel 'position' offset 0,0.4
unset ylabel
unset ytics
plot $panel1 matrix using 1:2:((0) ? NaN : $3) with image, $panel1 matrix using 1:2:(sprintf('%.2f', $3)):(!(0) && $3 > 0.1704 ? 0xffffff : 0x222222) with labels font ',8' tc rgb variable
set lmargin at screen 0.06757
set rmargin at screen 0.47598
set tmargin at screen 0.42857
set bmargin at screen 0.12605
set title 'layer 2' offset 0,-0.6
set xlabel 'position' offset 0,0.4
set ylabel 'expert' offset 0.6,0
set ytics ('0' 0, '1' 1, '2' 2, '3' 3, '4' 4, '5' 5)
plot $panel2 matrix using 1:2:((0) ? NaN : $3) with image, $panel2 matrix using 1:2:(sprintf('%.2f', $3)):(!(0) && $3 > 0.1704 ? 0xffffff : 0x222222) with labels font ',8' tc rgb variable
unset multiplot
unset output
