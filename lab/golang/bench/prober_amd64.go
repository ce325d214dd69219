package main

const statNumber = 262 // newfstatat
