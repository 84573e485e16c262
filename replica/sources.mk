# The files of replica/.
