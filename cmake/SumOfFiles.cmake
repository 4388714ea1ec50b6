# Writes SUM and the sums of FILES to OUT; names of folders do not count.
foreach(file ${FILES})
  file(SHA256 ${file} sum)
  string(APPEND SUM ${sum})
endforeach()
string(SHA256 SUM ${SUM})
file(WRITE ${OUT} ${SUM})
