package main

const statNumber = 79 // newfstatat
