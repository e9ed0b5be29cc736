//! Pixel work between capture, codec and screen: conversion, rotation, cropping and scaling, and comparison.
//!
//! Everything takes pictures from a [`PicturePool`](crate::PicturePool) and works on whole pictures. The loops are plain
//! and vectorised by the compiler, for AVX2 where the processor has it.

pub mod color;
pub mod compare;
pub mod convert;
pub mod fit;
pub mod letterbox;
pub mod rotate;
pub mod scale;
pub mod simd;
